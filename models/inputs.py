"""What networks read beside the noise level."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Images [size, size, channels], and conditions: numbers [length], or vectors [length, width].

    Numbers (words of a caption, or one class) run from 0 to `vocabulary` - 1; 0 is none. Where
    `embedding_width` is not 0, conditions are sequences of precomputed vectors of that width
    instead, and a vector of zeros is none.
    """

    size: int
    channels: int
    vocabulary: int = 1
    length: int = 1
    embedding_width: int = 0
