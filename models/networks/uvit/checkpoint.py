"""The parameters of a U-ViT under the names, and in the layouts, of its public checkpoints."""

import functools
import operator
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from models.networks.functional import Parameters, functional
from models.networks.uvit.shape import UViTShape

SHOWN = 4


class Layout(NamedTuple):
    """How a public array becomes ours, and the inverse."""

    ours: Callable[[np.ndarray], np.ndarray]
    public: Callable[[np.ndarray], np.ndarray]


class Place(NamedTuple):
    """Where a public array is in our parameters: a path, and which block of a stack."""

    path: tuple[str, ...]
    layout: Layout
    block: int | None = None


SAME = Layout(lambda a: a, lambda a: a)
MATRIX = Layout(np.transpose, np.transpose)
KERNEL = Layout(lambda a: a.transpose(2, 3, 1, 0), lambda a: a.transpose(3, 2, 0, 1))
NONE_FIRST = Layout(lambda a: np.roll(a, 1, 0), lambda a: np.roll(a, -1, 0))  # theirs has it last
POSITIONS = Layout(lambda a: a[0], lambda a: a[None])


def _class_first(a: np.ndarray) -> np.ndarray:
    return np.concatenate([a[1::-1], a[2:]])


CLASS_POSITIONS = Layout(  # theirs has the class's token before the noise level's
    lambda a: _class_first(a[0]), lambda a: _class_first(a)[None]
)


def _patches(shape: UViTShape) -> Layout:
    """The kernel of a convolution whose stride is its size, as the matrix of a flat patch."""
    size = shape.patch_size
    return Layout(
        lambda a: a.transpose(2, 3, 1, 0).reshape(-1, a.shape[0]),
        lambda a: a.reshape(size, size, -1, a.shape[1]).transpose(3, 2, 0, 1),
    )


def _layer(
    public: str, ours: tuple[str, ...], matrix: Layout = MATRIX, *, bias: bool = True
) -> dict[str, Place]:
    weight = {f"{public}.weight": Place((*ours, "kernel"), matrix)}
    return weight | ({f"{public}.bias": Place((*ours, "bias"), SAME)} if bias else {})


def _norm(public: str, ours: tuple[str, ...]) -> dict[str, Place]:
    return {
        f"{public}.weight": Place((*ours, "scale"), SAME),
        f"{public}.bias": Place((*ours, "bias"), SAME),
    }


def _block(public: str, ours: str, index: int | None = None) -> dict[str, Place]:
    places = (
        _norm(f"{public}.norm1", (ours, "norm_1"))
        | _layer(f"{public}.attn.qkv", (ours, "qkv"), bias=False)
        | _layer(f"{public}.attn.proj", (ours, "out"))
        | _norm(f"{public}.norm2", (ours, "norm_2"))
        | _layer(f"{public}.mlp.fc1", (ours, "expand"))
        | _layer(f"{public}.mlp.fc2", (ours, "contract"))
    )
    if ours == "out_blocks":
        places |= _layer(f"{public}.skip_linear", (ours, "skip"))
    return {name: place._replace(block=index) for name, place in places.items()}


def places(shape: UViTShape) -> dict[str, Place]:
    """Every public array of this shape; of a pair of blocks, our stacks hold both at one index."""
    of_class = shape.conditioning == "class"
    found = {"pos_embed": Place(("positions",), CLASS_POSITIONS if of_class else POSITIONS)}
    found |= _layer("patch_embed.proj", ("patch",), _patches(shape))
    if shape.looks_up:
        found["label_emb.weight"] = Place(("words",), NONE_FIRST)
    if shape.projects:
        found |= _layer("context_embed", ("context",))
    for i in range(shape.pairs):
        found |= _block(f"in_blocks.{i}", "in_blocks", i)
        found |= _block(f"out_blocks.{shape.pairs - 1 - i}", "out_blocks", i)
    found |= _block("mid_block", "middle_block")
    found |= _norm("norm", ("last_norm",)) | _layer("decoder_pred", ("last",))
    if shape.convolution:
        found |= _layer("final_layer", ("convolution",), KERNEL)
    return found


def to_public(parameters: Parameters, shape: UViTShape) -> dict[str, np.ndarray]:
    """Our parameters under their public names and in public layouts."""
    public = {}
    for name, place in places(shape).items():
        leaf = _at(parameters, place.path)
        array = np.asarray(leaf if place.block is None else leaf[place.block])
        public[name] = place.layout.public(array)
    return public


def from_public(arrays: Mapping[str, np.ndarray], shape: UViTShape) -> Parameters:
    """Parameters from the arrays of a public checkpoint, all of which must be used.

    A table of classes without one for none (weights trained without guidance, as on ImageNet 64)
    gets a row of zeros for it. Raises ValueError naming keys that are unknown or missing, and
    arrays of another shape than the network's.
    """
    where = places(shape)
    unknown, missing = sorted(arrays.keys() - where.keys()), sorted(where.keys() - arrays.keys())
    if unknown or missing:
        raise ValueError(f"not a U-ViT of this shape: {_few('unknown', unknown, missing)}")
    arrays = dict(arrays)
    table = arrays.get("label_emb.weight")
    if table is not None and len(table) == shape.inputs.vocabulary - 1:
        arrays["label_emb.weight"] = np.pad(table, ((0, 1), (0, 0)))

    abstract = jax.eval_shape(functional("uvit", shape).init, jax.random.key(0))
    expected = to_public(jax.tree.map(lambda a: np.empty(a.shape, np.bool_), abstract), shape)
    wrong = [
        f"{name} is {list(arrays[name].shape)}, not {list(array.shape)}"
        for name, array in expected.items()
        if arrays[name].shape != array.shape
    ]
    if wrong:
        raise ValueError(f"arrays of another shape: {'; '.join(wrong[:SHOWN])}")

    parameters = jax.tree.map(lambda a: np.empty(a.shape, a.dtype), abstract)
    for name, place in where.items():
        leaf = _at(parameters, place.path)
        leaf[... if place.block is None else place.block] = place.layout.ours(arrays[name])
    return parameters


def _at(parameters: Parameters, path: tuple[str, ...]) -> Any:
    return functools.reduce(operator.getitem, path, parameters)


def _few(kind: str, unknown: list[str], missing: list[str]) -> str:
    return "; ".join(
        f"{kind} {', '.join(names[:SHOWN])}{' ...' if len(names) > SHOWN else ''}"
        for kind, names in (("unknown", unknown), ("missing", missing))
        if names
    )
