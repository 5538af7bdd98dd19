"""Parameters and FLOPs of a network, counted layer by layer.

FLOPs are matrix products' multiplications *and* additions (twice the multiply-adds that the DiT
paper calls Gflops); elementwise work is left out. Tests hold them against the traced program.
"""

from dataclasses import dataclass

from models.ladder import Rung

BACKWARD_OVER_FORWARD = 2
"""A product's gradient takes two products of its size: one for the input, one for the weights."""


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Parameters by convention, and FLOPs per image."""

    parameters: int
    parameters_non_embedding: int  # without the table of word embeddings
    forward_flops: int
    training_flops: int  # forward and backward


def count_dit(
    rung: Rung, *, size: int, channels: int, patch_size: int, vocabulary: int, frequencies: int = 32
) -> Counts:
    """A DiT conditioned on a caption's mean embedding, as `models.networks.dit` builds it."""
    d, depth = rung.width, rung.depth
    values = patch_size**2 * channels
    n = (size // patch_size) ** 2

    # Per layer: (inputs, outputs, rows it is applied to), a bias with each.
    block = [(d, 6 * d, 1), (d, 3 * d, n), (d, d, n), (d, 4 * d, n), (4 * d, d, n)]
    condition = [(frequencies, d, 1), (d, d, 1), (d, d, 1)]
    ends = [(values, d, n), (d, 2 * d, 1), (d, values, n)]
    layers = block * depth + condition + ends

    non_embedding = sum(i * o + o for i, o, _ in layers)
    attention = depth * 2 * (2 * n * n * d)  # queries with keys, and weights with values
    forward = sum(2 * i * o * rows for i, o, rows in layers) + attention
    # Nothing asks for the gradient of the images or of the noise features.
    backward = BACKWARD_OVER_FORWARD * forward - 2 * values * d * n - 2 * frequencies * d
    return Counts(
        parameters=non_embedding + vocabulary * d,
        parameters_non_embedding=non_embedding,
        forward_flops=forward,
        training_flops=forward + backward,
    )


COUNTS = {"dit": count_dit}
