"""What the toolkit must know of a model family before, and without, computing anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from models.counting import Layer
from models.ladder import Rung

Shape = Any
"""A family's own frozen dataclass: everything that fixes the parameters; has `rung`, `inputs`."""


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

    `shape(rung=, inputs=, patch_size=, conditioning=)` makes a shape, `layers(shape)` lists what
    it holds; `network` is "module:class", imported when a network is built. Solved sizes have
    heads of `head_width` channels and an `aspect`, width over depth, within the bounds.
    """

    name: str
    rungs: Mapping[str, Rung]
    shape: Callable[..., Shape]
    layers: Callable[[Shape], list[Layer]]
    network: str
    published: tuple[Published, ...]
    head_width: int
    aspect: tuple[float, float]
