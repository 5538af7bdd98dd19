"""DINOv2's vision transformers without registers (Oquab et al. 2023), from the published keys."""

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Float

from models.networks import layout
from models.networks.functional import Parameters
from models.networks.layout import Entries, Entry
from scaling import weights
from scaling.measure.features.network import Network, compiled
from scaling.measure.features.vision_transformer import (
    EXPANSION,
    Tower,
    forward,
    gelu,
    norm_entries,
)

COMMON = {
    "patch": 14,
    "pixels": 224,
    "activation": gelu,
    "epsilon": 1e-6,
    "mean": (0.485, 0.456, 0.406),  # of ImageNet
    "deviation": (0.229, 0.224, 0.225),
}
TOWERS = {
    "dinov2_b14": Tower(width=768, depth=12, heads=12, **COMMON),
    "dinov2_l14": Tower(width=1024, depth=24, heads=16, **COMMON),
}
GRID = 37
"""Patches a side for which positions were trained: 518 pixels."""
MASK = "mask_token"  # stands for hidden patches in training; not every copy has it


def network(name: str, path: Path) -> Network:
    """Its features are the class token after the last norm; ValueError for other weights."""
    tower = TOWERS[name]
    arrays = {key: array for key, array in weights.read(path).items() if key != MASK}
    return Network(
        name=name,
        sha256=weights.digest(path),
        size=tower.pixels,
        apply=compiled(partial(forward, tower=tower), from_public(name, arrays, tower)),
    )


def from_public(
    name: str, arrays: dict[str, np.ndarray], tower: Tower, grid: int = GRID
) -> Parameters:
    """Our parameters, the positions resized; ValueError names keys and shapes that do not fit."""
    found = layout.from_public(name, arrays, entries(tower, grid))
    return found | {"positions": resized(found["positions"], grid, tower.pixels // tower.patch)}


def entries(tower: Tower, grid: int) -> Entries:
    """Every array that the features depend on."""
    d, wide = tower.width, EXPANSION * tower.width
    found = layout.patches("patch_embed.proj", ("patch",), 3, tower.patch, d)
    found |= norm_entries("norm", "norm", d)
    found["cls_token"] = Entry((1, 1, d), ("class",))
    found["pos_embed"] = Entry((1, 1 + grid**2, d), ("positions",), ours=lambda a: a[0])
    matrices = {
        "qkv": ("attn.qkv", d, 3 * d),
        "out": ("attn.proj", d, d),
        "expand": ("mlp.fc1", d, wide),
        "contract": ("mlp.fc2", wide, d),
    }
    for i in range(tower.depth):
        for ours, (public, *size) in matrices.items():
            found |= layout.linear(f"blocks.{i}.{public}", ("blocks", ours), *size, block=i)
        for number in (1, 2):
            found |= norm_entries(f"blocks.{i}.norm{number}", f"norm_{number}", d, i)
            scale = Entry((d,), ("blocks", f"scale_{number}"), i)
            found[f"blocks.{i}.ls{number}.gamma"] = scale
    return found


def resized(
    positions: Float[np.ndarray, "tokens d"], old: int, new: int
) -> Float[np.ndarray, "fewer d"]:
    """From old x old patches to new x new as DINOv2 does it; the class token's stays."""
    matrix = cubic(old, new)
    grid = positions[1:].reshape(old, old, -1)
    grid = np.einsum("iy,jx,yxd->ijd", matrix, matrix, grid, optimize=True)
    return np.concatenate([positions[:1], grid.reshape(new * new, -1)]).astype(np.float32)


def cubic(old: int, new: int) -> Float[np.ndarray, "new old"]:
    """Cubic convolution (Keys 1981, a = -3/4), not antialiased, edges repeated.

    Places are a little off: DINOv2 states the scale as (new + 0.1) / old, to be safe from rounding.
    """
    if old == new:
        return np.eye(old)
    place = (np.arange(new) + 0.5) * old / (new + 0.1) - 0.5
    first = np.floor(place).astype(int)
    found = np.zeros((new, old))
    for tap in range(-1, 3):
        weight = keys(np.abs(place - (first + tap)))
        np.add.at(found, (np.arange(new), (first + tap).clip(0, old - 1)), weight)
    return found


def keys(x: Float[np.ndarray, " n"], a: float = -0.75) -> Float[np.ndarray, " n"]:
    """The kernel of cubic convolution at distance x < 2 (Keys 1981, eq. 4 with a for -1/2)."""
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * x**3 - 5 * a * x**2 + 8 * a * x - 4 * a
    return np.where(x <= 1, near, far)
