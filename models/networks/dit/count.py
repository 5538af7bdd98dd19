"""The layers of a DiT, as `models.networks.dit.network` builds them."""

from models.counting import Layer, attention, block, elementwise, embedding, entry, linear
from models.networks.dit.shape import DiTShape


def of_condition(shape: DiTShape) -> list[Layer]:
    """The layers that read the conditions, once an image."""
    d, e, t = shape.rung.width, shape.condition_width, shape.context_length
    looked_up = not shape.inputs.embedding_width
    # Nothing asks for the gradient of vectors that are given.
    found = [embedding("words", shape.inputs.vocabulary, d)] if looked_up else []
    if shape.conditioning != "class":
        found.append(linear("caption", e, d, 1, backward=1 + looked_up))
    if t:
        found.append(linear("context", e, d, t, backward=1 + looked_up))
    return found


def of_block(shape: DiTShape) -> list[Layer]:
    """The layers of one block."""
    d, heads, t = shape.rung.width, shape.rung.heads, shape.context_length
    n = shape.tokens + t * (shape.conditioning == "in_context")
    cross = [
        linear("query", d, d, n),
        linear("key_value", d, 2 * d, t),
        attention("cross_attention", n, t, d, heads),
        linear("read", d, d, n),
    ]
    return [
        entry(d * n),
        linear("modulation", d, 6 * d, 1, kind="modulation"),
        linear("qkv", d, 3 * d, n),
        attention("attention", n, n, d, heads),
        linear("out", d, d, n),
        *(cross if shape.conditioning == "cross_attention" else []),
        linear("expand", d, 4 * d, n),
        linear("contract", 4 * d, d, n),
        # Normalised twice, modulated, gated twice and added; gelu's input, tanh, cube and square.
        elementwise("elementwise", 20 * d * n),
    ]


def layers(shape: DiTShape) -> list[Layer]:
    """All layers, those of the condition first."""
    d, n = shape.rung.width, shape.tokens
    of_noise = [
        linear("noise_in", shape.frequencies, d, 1, backward=1),
        linear("noise_out", d, d, 1),
    ]
    sublayers = of_block(shape)
    blocks = [layer for i in range(shape.rung.depth) for layer in block(f"block {i}", sublayers)]
    ends = [
        linear("patch", shape.patch_values, d, n, backward=1),  # nor for that of the images
        linear("last_modulation", d, 2 * d, 1, kind="modulation"),
        linear("last", d, shape.output_values, n),
    ]
    return of_noise + of_condition(shape) + blocks + ends
