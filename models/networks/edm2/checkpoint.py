"""Between the published checkpoints' arrays and our parameters.

Keys and layouts are those of the state dict of the released code (github.com/NVlabs/edm2). Its
log-variance of the loss serves training alone and is dropped.
"""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np

from models.networks.edm2.shape import EDM2Shape
from models.networks.functional import Parameters, functional

TRAINING_ONLY = frozenset({"logvar_fourier.freqs", "logvar_fourier.phases", "logvar_linear.weight"})

ENDS = {
    "frequencies": "emb_fourier.freqs",
    "phases": "emb_fourier.phases",
    "noise": "emb_noise.weight",
    "words": "emb_label.weight",
    "caption": "emb_label.weight",
    "last": "out_conv.weight",
    "last_gain": "out_gain",
}
PARTS = {"encoder": "enc", "decoder": "dec"}
POINTWISE = ("conv_skip", "attn_proj")


def _key(path: tuple[str, ...], shape: EDM2Shape) -> str:
    """The public name of one of our parameters."""
    match path:
        case (part, block, "emb_gain"):
            return f"unet.{PARTS[part]}.{block}.emb_gain"
        case (part, block, layer, _):
            return f"unet.{PARTS[part]}.{block}.{layer}.weight"
        case ("first", _):
            return f"unet.enc.{shape.side}x{shape.side}_conv.weight"
        case _:
            return f"unet.{ENDS[path[0]]}"


def _theirs(array: np.ndarray, path: tuple[str, ...], shape: EDM2Shape) -> np.ndarray:
    """Outputs first; queries, keys and values of one channel of one head beside each other."""
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if "attn_qkv" in path:
        parts = array.reshape(len(array), 3, shape.heads(len(array)), -1)
        return parts.transpose(2, 3, 1, 0).reshape(array.shape[::-1])[..., None, None]
    return array.T[..., None, None] if path[-2:-1] and path[-2] in POINTWISE else array.T


def _ours(array: np.ndarray, path: tuple[str, ...], shape: EDM2Shape) -> np.ndarray:
    """The inverse: outputs last, all queries before all keys before all values."""
    if array.ndim == 4 and array.shape[2:] != (1, 1):
        return array.transpose(2, 3, 1, 0)
    array = array.reshape(array.shape[:2])
    if "attn_qkv" in path:
        inputs = array.shape[1]
        parts = array.reshape(shape.heads(inputs), -1, 3, inputs)
        return parts.transpose(3, 2, 0, 1).reshape(inputs, 3 * inputs)
    return array.T


def _expected(shape: EDM2Shape) -> tuple[list[tuple[tuple[str, ...], tuple[int, ...]]], Any]:
    """Path and shape of each parameter, and the structure that they make."""
    abstract = jax.eval_shape(functional("edm2", shape).init, jax.random.key(0))
    leaves, structure = jax.tree_util.tree_flatten_with_path(abstract)
    return [(tuple(step.key for step in path), leaf.shape) for path, leaf in leaves], structure


def _few(keys: set[str]) -> str:
    shown = sorted(keys)[:3]
    return ", ".join(shown) + (f" and {len(keys) - 3} more" if len(keys) > 3 else "")


def from_public(arrays: Mapping[str, np.ndarray], shape: EDM2Shape) -> Parameters:
    """Our parameters from a checkpoint's arrays; ValueError names keys or shapes not fitting."""
    expected, structure = _expected(shape)
    keys = {_key(path, shape) for path, _ in expected}
    problems = {"unknown": set(arrays) - keys - TRAINING_ONLY, "missing": keys - set(arrays)}
    if any(problems.values()):
        said = [f"{kind}: {_few(names)}" for kind, names in problems.items() if names]
        raise ValueError(f"not a checkpoint of edm2 '{shape.rung.name}'; {'; '.join(said)}")
    leaves = []
    for path, size in expected:
        key = _key(path, shape)
        should = _theirs(np.empty(size), path, shape).shape
        if arrays[key].shape != should:
            raise ValueError(f"{key} has shape {arrays[key].shape}, not {should}")
        leaves.append(np.asarray(_ours(arrays[key], path, shape), np.float32))
    return jax.tree.unflatten(structure, leaves)


def to_public(parameters: Parameters, shape: EDM2Shape) -> dict[str, np.ndarray]:
    """The inverse of `from_public`, without what serves training alone."""
    leaves = jax.tree_util.tree_leaves_with_path(parameters)
    paths = [(tuple(step.key for step in path), np.asarray(leaf)) for path, leaf in leaves]
    return {_key(path, shape): _theirs(leaf, path, shape) for path, leaf in paths}
