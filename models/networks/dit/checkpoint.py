"""The published layout of a DiT's weights, both ways.

Keys and layouts of the code released with arXiv 2212.09748: PyTorch's, so that matrices are
[outputs, inputs], and the first layer is a convolution. The row for no class is its table's last,
our first. What only the text variants have is named in the same manner; no such weights are public.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.networks.dit.shape import DiTShape
from models.networks.layers import positions_2d

Parameters = dict[str, Any]

NAMED = 5
"""Most keys that a message lists."""

POSITIONS = "pos_embed"

LINEAR = {
    "noise_in": "t_embedder.mlp.0",
    "noise_out": "t_embedder.mlp.2",
    "last_modulation": "final_layer.adaLN_modulation.1",
    "last": "final_layer.linear",
    "caption": "y_embedder.pooled",
    "context": "y_embedder.tokens",
}

LINEAR_OF_BLOCK = {
    "modulation": "adaLN_modulation.1",
    "qkv": "attn.qkv",
    "out": "attn.proj",
    "expand": "mlp.fc1",
    "contract": "mlp.fc2",
    "query": "cross_attn.q_linear",
    "key_value": "cross_attn.kv_linear",
    "read": "cross_attn.proj",
}


@dataclass(frozen=True)
class Entry:
    """One public array: its shape, where it goes, and how it is turned into ours and back."""

    shape: tuple[int, ...]
    path: tuple[str, ...]
    block: int | None = None
    ours: Callable[[np.ndarray], np.ndarray] = np.asarray
    public: Callable[[np.ndarray], np.ndarray] = np.asarray


def _linear(public: str, path: tuple[str, ...], inputs: int, outputs: int, block=None):
    kernel = Entry((outputs, inputs), (*path, "kernel"), block, np.transpose, np.transpose)
    bias = Entry((outputs,), (*path, "bias"), block)
    return {f"{public}.weight": kernel, f"{public}.bias": bias}


def entries(shape: DiTShape) -> dict[str, Entry]:
    """Every array of the layout but the fixed positions."""
    d, p, channels = shape.rung.width, shape.patch_size, shape.inputs.channels
    inner = {"noise_in": (shape.frequencies, d), "noise_out": (d, d)}
    inner |= {"last_modulation": (d, 2 * d), "last": (d, shape.output_values)}
    of_block = {"modulation": (d, 6 * d), "qkv": (d, 3 * d), "out": (d, d)}
    of_block |= {"expand": (d, 4 * d), "contract": (4 * d, d)}
    if shape.conditioning != "class":
        inner["caption"] = (shape.condition_width, d)
    if shape.context_length:
        inner["context"] = (shape.condition_width, d)
    if shape.conditioning == "cross_attention":
        of_block |= {"query": (d, d), "key_value": (d, 2 * d), "read": (d, d)}

    found = {
        "x_embedder.proj.weight": Entry(
            (d, channels, p, p),
            ("patch", "kernel"),
            ours=lambda conv: conv.transpose(2, 3, 1, 0).reshape(-1, d),
            public=lambda kernel: kernel.reshape(p, p, channels, d).transpose(3, 2, 0, 1),
        ),
        "x_embedder.proj.bias": Entry((d,), ("patch", "bias")),
    }
    if not shape.inputs.embedding_width:
        found["y_embedder.embedding_table.weight"] = Entry(
            (shape.inputs.vocabulary, d),
            ("words",),
            ours=lambda table: np.roll(table, 1, axis=0),
            public=lambda table: np.roll(table, -1, axis=0),
        )
    for name, size in inner.items():
        found |= _linear(LINEAR[name], (name,), *size)
    for i in range(shape.rung.depth):
        for name, size in of_block.items():
            found |= _linear(
                f"blocks.{i}.{LINEAR_OF_BLOCK[name]}", ("blocks", name), *size, block=i
            )
    return found


def from_public(arrays: Mapping[str, np.ndarray], shape: DiTShape) -> Parameters:
    """Our float32 parameters from public arrays by name.

    ValueError names keys that are unknown or missing, arrays of another shape, and positions that
    are not the fixed ones, of which a checkpoint may have a copy.
    """
    expected = entries(shape)
    _check_keys(arrays, expected)
    for key, entry in expected.items():
        if arrays[key].shape != entry.shape:
            raise ValueError(f"{key} has shape {arrays[key].shape}, not {entry.shape}")
    if POSITIONS in arrays:
        fixed = positions_2d(shape.side, shape.side, shape.rung.width)[None]
        if arrays[POSITIONS].shape != fixed.shape:
            found = arrays[POSITIONS].shape
            raise ValueError(f"{POSITIONS} has shape {found}, not {fixed.shape}")
        if not np.allclose(arrays[POSITIONS], fixed, atol=1e-2):  # of float16 or bfloat16 too
            raise ValueError(
                f"{POSITIONS} holds other positions than DiT's fixed sines and cosines"
            )

    gathered: dict[tuple[str, ...], Any] = {}
    for key, entry in expected.items():
        array = np.ascontiguousarray(entry.ours(np.asarray(arrays[key], np.float32)))
        if entry.block is None:
            gathered[entry.path] = array
        else:
            gathered.setdefault(entry.path, []).append(array)
    parameters: Parameters = {}
    for path, value in gathered.items():
        inside = parameters
        for name in path[:-1]:
            inside = inside.setdefault(name, {})
        inside[path[-1]] = np.stack(value) if isinstance(value, list) else value
    return parameters


def to_public(parameters: Parameters, shape: DiTShape) -> dict[str, np.ndarray]:
    """The inverse of `from_public`, the fixed positions among the arrays."""
    arrays = {POSITIONS: positions_2d(shape.side, shape.side, shape.rung.width)[None]}
    for key, entry in entries(shape).items():
        value: Any = parameters
        for name in entry.path:
            value = value[name]
        array = np.asarray(value if entry.block is None else value[entry.block])
        arrays[key] = np.ascontiguousarray(entry.public(array))
    return arrays


def _check_keys(arrays: Mapping[str, np.ndarray], expected: Mapping[str, Entry]) -> None:
    unknown = [key for key in arrays if key not in expected and key != POSITIONS]
    missing = [key for key in expected if key not in arrays]
    faults = [
        f"{kind}: {', '.join(keys[:NAMED])}"
        + f" and {len(keys) - NAMED} more" * (len(keys) > NAMED)
        for kind, keys in (("unknown", unknown), ("missing", missing))
        if keys
    ]
    if faults:
        raise ValueError(f"these are not the weights of this DiT; {'; '.join(faults)}")
