"""The layers of a DiT, as `models.networks.dit.network` builds them."""

from models.counting import Layer, attention, block, embedding, linear
from models.networks.dit.shape import DiTShape


def layers(shape: DiTShape) -> list[Layer]:
    """All layers, those of the condition first."""
    d, n = shape.rung.width, shape.tokens
    values = shape.patch_values

    of_noise = [
        linear("noise_in", shape.frequencies, d, 1, backward=1),
        linear("noise_out", d, d, 1),
    ]
    of_words = [embedding("words", shape.inputs.vocabulary, d)]
    if shape.conditioning != "class":
        of_words.append(linear("caption", d, d, 1))

    sublayers = [
        linear("modulation", d, 6 * d, 1, kind="modulation"),
        linear("qkv", d, 3 * d, n),
        attention("attention", n, n, d, shape.rung.heads),
        linear("out", d, d, n),
        linear("expand", d, 4 * d, n),
        linear("contract", 4 * d, d, n),
    ]
    blocks = [layer for i in range(shape.rung.depth) for layer in block(f"block {i}", sublayers)]
    ends = [
        linear("patch", values, d, n, backward=1),  # nothing asks for the images' gradient
        linear("last_modulation", d, 2 * d, 1, kind="modulation"),
        linear("last", d, shape.output_values, n),
    ]
    return of_noise + of_words + blocks + ends
