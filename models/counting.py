"""Parameters, FLOPs and memory of a network, counted layer by layer, without jax.

A family lists its layers; everything else is sums over them. FLOPs are matrix products'
multiplications *and* additions (twice the multiply-adds that papers call Gflops); elementwise work
is left out. Tests hold the sums against the traced and the compiled programs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from operator import add
from typing import Literal

from models.compute import Rematerialise

Kind = Literal["body", "modulation", "embedding"]
"""Of every token; of the condition alone, once an image (adaLN); a table that is looked up."""


@dataclass(frozen=True, kw_only=True)
class Layer:
    """What one layer holds and does, for one image."""

    name: str
    parameters: int = 0
    multiply_adds: int = 0
    kind: Kind = "body"
    backward: int = 2  # products of the backward pass over those of the forward pass
    kept: int = 0  # numbers that the backward pass needs, unless it computes them again
    working: int = 0  # more numbers, while the backward pass is at its block
    result: int = 0  # numbers that a product with weights gives
    entry: bool = False  # what enters a block, which is kept in any case


def linear(
    name: str,
    inputs: int,
    outputs: int,
    rows: int,
    *,
    bias: bool = True,
    kind: Kind = "body",
    backward: int = 2,
) -> Layer:
    """A matrix applied to `rows` vectors of an image; it keeps its input.

    Its gradient takes two products of its size, for the input and for the weights; `backward` is
    1 where nothing asks for the gradient of the input.
    """
    return Layer(
        name=name,
        parameters=inputs * outputs + outputs * bias,
        multiply_adds=inputs * outputs * rows,
        kind=kind,
        backward=backward,
        kept=inputs * rows,
        result=outputs * rows,
    )


def attention(name: str, queries: int, keys: int, width: int, heads: int) -> Layer:
    """Queries with keys and weights with values.

    Keeps q, k, v and the weights after their softmax; fused attention on an accelerator keeps no
    weights.
    """
    return Layer(
        name=name,
        multiply_adds=2 * queries * keys * width,
        kept=(queries + 2 * keys) * width + heads * queries * keys,
    )


def embedding(name: str, rows: int, width: int) -> Layer:
    """A table of which rows are taken."""
    return Layer(name=name, parameters=rows * width, kind="embedding")


def elementwise(name: str, numbers: int) -> Layer:
    """Norms, gates and activation functions: the numbers that they keep."""
    return Layer(name=name, kept=numbers)


def entry(numbers: int) -> Layer:
    """What enters a block."""
    return Layer(name="entry", kept=numbers, entry=True)


def block(name: str, layers: Iterable[Layer]) -> list[Layer]:
    """The same layers, as of a block of this name."""
    return [replace(layer, name=f"{name}/{layer.name}") for layer in layers]


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Parameters by convention, FLOPs and kept numbers per image."""

    parameters: int
    parameters_non_embedding: int  # without tables that are looked up
    parameters_active: int  # those that every token meets: without tables and adaLN
    forward_flops: int
    training_flops: int  # forward and backward
    kept: Mapping[Rematerialise, int]  # numbers in memory for the backward pass

    @property
    def multiply_adds(self) -> int:
        """What papers call FLOPs: half of ours."""
        return self.forward_flops // 2


def total(layers: Iterable[Layer]) -> Counts:
    """Sums over the layers."""
    layers = list(layers)
    dense = [layer for layer in layers if layer.kind != "embedding"]
    backward = sum(2 * layer.backward * layer.multiply_adds for layer in layers)
    forward = sum(2 * layer.multiply_adds for layer in layers)
    return Counts(
        parameters=sum(layer.parameters for layer in layers),
        parameters_non_embedding=sum(layer.parameters for layer in dense),
        parameters_active=sum(layer.parameters for layer in dense if layer.kind == "body"),
        forward_flops=forward,
        training_flops=forward + backward,
        kept=_kept(layers),
    )


def _kept(layers: Sequence[Layer]) -> dict[Rematerialise, int]:
    """By what is computed again, at the block of the backward pass where it is most.

    Blocks behind that one, which come first there, have let go of their numbers; where the block's
    are computed again, all are in memory, and the gradient of what entered it.
    """
    blocks: dict[str, list[Layer]] = {}
    for layer in layers:
        blocks.setdefault(layer.name.rpartition("/")[0], []).append(layer)
    outside = sum(layer.kept for layer in blocks.pop("", []))

    def most(held: Callable[[Layer], int], again: bool) -> int:
        sums = accumulate(sum(map(held, b)) for b in blocks.values())
        at_work = (sum(x.working + again * x.kept for x in b) for b in blocks.values())
        return outside + max(map(add, sums, at_work), default=0)

    return {
        "nothing": most(lambda layer: layer.kept, again=False),
        "all": most(lambda layer: layer.entry * layer.kept, again=True),
        "all_but_products": most(lambda x: x.entry * x.kept + x.result, again=True),
    }


def sampling_flops(counts: Counts, evaluations: int) -> int:
    """Of one image, from the sampler's network evaluations, those of guidance among them."""
    return evaluations * counts.forward_flops
