"""The layers of a U-ViT, as `models.networks.uvit.network` builds them."""

from models.counting import Layer, attention, block, elementwise, embedding, entry, linear
from models.networks.uvit.shape import UViTShape

KERNEL = 3 * 3


def layers(shape: UViTShape) -> list[Layer]:
    """All layers, those of the condition first."""
    d, n, inputs = shape.rung.width, shape.tokens, shape.inputs

    ends = [embedding("positions", n, d)]
    if shape.looks_up:
        ends.append(embedding("words", inputs.vocabulary, d))
    if shape.projects:
        width, backward = (inputs.embedding_width, 1) if inputs.embedding_width else (d, 2)
        ends.append(linear("context", width, d, shape.context_tokens, backward=backward))

    sublayers = [
        entry(d * n),
        norm("norm_1", d, n),
        linear("qkv", d, 3 * d, n, bias=False),
        attention("attention", n, n, d, shape.rung.heads),
        linear("out", d, d, n),
        norm("norm_2", d, n),
        linear("expand", d, 4 * d, n),
        linear("contract", 4 * d, d, n),
        # Both norms' outputs, the sum after attention, and what gelu keeps.
        elementwise("elementwise", 15 * d * n),
    ]
    # A skip enters, too, and its gradient is kept until the block that it came from.
    joined = [entry(2 * d * n), linear("skip", 2 * d, d, n), *sublayers]
    blocks = [
        layer
        for i in range(shape.rung.depth)
        for layer in block(f"block {i}", joined if i > shape.pairs else sublayers)
    ]

    ends += [
        linear("patch", shape.patch_values, d, shape.patches, backward=1),
        norm("last_norm", d, shape.patches),
        linear("last", d, shape.patch_values, shape.patches),
    ]
    if shape.convolution:
        channels, pixels = inputs.channels, inputs.size**2
        ends.append(linear("convolution", KERNEL * channels, channels, pixels))
    return ends + blocks


def norm(name: str, width: int, rows: int) -> Layer:
    """Normalisation with a gain and a bias; keeps the normalised vectors."""
    return Layer(name=name, parameters=2 * width, kept=width * rows)
