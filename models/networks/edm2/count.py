"""The layers of an EDM2, as `models.networks.edm2.network` builds them."""

from dataclasses import replace

from models.counting import Layer, attention, block, elementwise, embedding, entry, linear
from models.networks.edm2.shape import Block, EDM2Shape


def convolution(
    name: str, inputs: int, outputs: int, side: int, kernel: int = 3, *, backward: int = 2
) -> Layer:
    """A k x k convolution, zeros around the image counted as if they were pixels."""
    return Layer(
        name=name,
        parameters=kernel**2 * inputs * outputs,
        multiply_adds=kernel**2 * inputs * outputs * side**2,
        backward=backward,
        kept=inputs * side**2,
        result=outputs * side**2,
    )


def layers_of_block(spec: Block, shape: EDM2Shape) -> list[Layer]:
    """A block's layers; what enters has the channels joined to it and is not yet resampled.

    Beside it the gradient of what is joined is kept, until the block that it came from.
    """
    side, outputs, pixels = spec.side, spec.outputs, spec.side**2
    found = [
        entry(spec.inputs * spec.side_before**2 + spec.joins * pixels),
        Layer(name="gain", parameters=1),
        convolution("conv_res0", spec.inputs if spec.decodes else outputs, outputs, side),
        linear("emb_linear", shape.embedding, outputs, 1, bias=False, kind="modulation"),
        convolution("conv_res1", outputs, outputs, side),
        # Of the first activation its input, slope and gradient; modulated, activated, added and
        # clipped maps with theirs; in the encoder the normalised one.
        elementwise(
            "elementwise", (3 * spec.inputs + (6 if spec.decodes else 8) * outputs) * pixels
        ),
    ]
    if spec.inputs != outputs:
        # It reads what enters, which is kept already.
        found.append(replace(convolution("conv_skip", spec.inputs, outputs, side, 1), kept=0))
    if spec.attends:
        found += [
            convolution("attn_qkv", outputs, 3 * outputs, side, 1),
            Layer(name="attn_normalised", kept=3 * outputs * pixels),
            attention("attention", pixels, pixels, outputs, shape.heads(outputs)),
            # Attention comes last, so that its weights' gradients meet all that the block keeps.
            Layer(name="attn_gradients", working=2 * shape.heads(outputs) * pixels**2),
            convolution("attn_proj", outputs, outputs, side, 1),
        ]
    return block(spec.name, found)


def layers(shape: EDM2Shape) -> list[Layer]:
    """All layers, those of the condition first."""
    width, wide = shape.rung.width, shape.embedding
    values, side = shape.patch_values, shape.side
    found = [
        # Frequencies and phases are drawn once and never trained.
        Layer(name="fourier", parameters=2 * width, kind="embedding"),
        linear("noise", width, wide, 1, bias=False, backward=1),
    ]
    if shape.classes:
        found.append(embedding("words", shape.classes, wide))
    if shape.inputs.embedding_width:
        found.append(
            linear("caption", shape.inputs.embedding_width, wide, 1, bias=False, backward=1)
        )
    # Nothing asks for the images' gradient.
    found.append(convolution("first", values + 1, width, side, backward=1))
    for part, blocks in (("encoder", shape.encoder), ("decoder", shape.decoder)):
        for spec in blocks:
            found += block(part, layers_of_block(spec, shape))
    found += [
        convolution("last", width, values, side),
        Layer(name="last_gain", parameters=1),
    ]
    return found
