"""What the toolkit must know of a model family before, and without, computing anything."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.counting import Layer
from models.ladder import Rung

Shape = Any
"""A family's own frozen dataclass: everything that fixes the parameters; has `rung`, `inputs`."""


def xavier(path: tuple[str, ...], width: int, inputs: int, outputs: int) -> float:
    """The same variance forwards and backwards (Glorot and Bengio 2010, Eq. 12)."""
    return math.sqrt(2 / (inputs + outputs))


@dataclass(frozen=True, kw_only=True)
class Published:
    """A network of a paper, with the figures as printed there; "" where it prints none."""

    name: str
    shape: Shape
    parameters: str  # millions
    multiply_adds: str  # G, of one forward pass


@dataclass(frozen=True, kw_only=True)
class Family:
    """A ladder, its shapes, and where its network is.

    `shape(rung=, inputs=, patch_size=, conditioning=)` makes a shape, `published_shape` of the same
    the one that the paper's released code builds; `layers(shape)` lists what a shape holds.
    `network` is "module:class", imported when a network is built, as is `after_update`, what
    training applies to parameters after each update. Solved sizes have heads of `head_width`
    channels and an `aspect`, width over depth, within the bounds. `initial(path, width, i, o)` is
    the deviation of a new matrix [i, o] of that name. muP is for families that use weights as they
    stand; where weights are normalised it says nothing. `drops` where the published network has
    dropout: its call then takes `dropout`. `notes` say how closely counts match what is printed.
    """

    name: str
    rungs: Mapping[str, Rung]
    shape: Callable[..., Shape]
    published_shape: Callable[..., Shape]
    layers: Callable[[Shape], list[Layer]]
    network: str
    published: tuple[Published, ...]
    initial: Callable[[tuple[str, ...], int, int, int], float]
    conditionings: tuple[str, ...]
    head_width: int
    aspect: tuple[float, float]
    odd_depth: bool = False
    follows_mup: bool = True
    drops: bool = False
    after_update: str = ""
    notes: tuple[str, ...] = ()
