"""The cheapest model of a given loss when its samples are paid for too.

Sardana et al. 2023, arXiv 2401.00448: minimise training plus inference FLOPs subject to a loss.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from analysis.fitting import Unsupported
from analysis.rounding import short
from analysis.scale.band import Array, Band, band
from analysis.scale.cost import Cost
from analysis.scale.valley import lowest
from analysis.uncertainty.bootstrap import Replicates

WIDEST = np.log(1e12)
"""How far above the least size that can reach the loss the cheapest is looked for."""


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """The cheapest model that reaches `loss` with `images` sampled in `evaluations` steps each.

    FLOPs: `training`, `sampling` and `total`. `training_only` is the size that would be cheapest
    if no image were sampled, and `saved` the share of the total that choosing it would waste.
    `unreachable` is the share of bootstrap replicates whose floor lies above the loss.
    """

    loss: float
    images: float
    evaluations: float
    size: Band
    steps: Band
    training: Band
    sampling: Band
    total: Band
    training_only: Band
    saved: float
    unreachable: float

    def sentence(self) -> str:
        """Which size to train."""
        ratio = self.size.value / self.training_only.value
        text = (
            f"For loss {self.loss:g} and {short(self.images)} images of {self.evaluations:g} "
            f"evaluations, {self.size} parameters are cheapest, {ratio:.2g} times the size that "
            f"training alone would choose; that one costs {short(100 * self.saved, 2)}% more in "
            "all."
        )
        if self.unreachable:
            text += f" In {self.unreachable:.0%} of refits the loss lies below the floor."
        return text


def lifetime(
    parameters: Mapping[str, float],
    replicates: Replicates | None,
    cost: Cost,
    forward: Callable[[Array], Array],
    *,
    loss: float,
    images: float,
    evaluations: float,
    confidence: float = 0.95,
) -> Lifetime:
    """The least of f(N) S + images * evaluations * forward(N) over N, by the joint law.

    `forward` gives the FLOPs of one evaluation for one image at sizes of any shape (guidance
    doubles the `evaluations`); `forward_of` derives it from training. S is what the law says the
    loss takes. Unsupported where the loss lies at or below the floor.
    """
    if images < 0 or evaluations < 0:
        raise ValueError("images and evaluations must not be negative")
    floor = parameters["E"]
    if loss <= floor:
        raise Unsupported(f"loss {loss:g} cannot be reached: the law's floor is {floor:.4g}")
    every = {name: np.array([value]) for name, value in parameters.items()}
    unreachable = 0.0
    if replicates is not None:
        rows = replicates.named
        able = rows["E"] < loss
        unreachable = float(1 - able.mean())
        every = {name: np.concatenate([every[name], rows[name][able]]) for name in rows}
    best = _cheapest(every, cost, forward, loss, images * evaluations)
    alone = _cheapest(every, cost, forward, loss, 0.0)
    naive = alone["training"] + images * evaluations * forward(alone["size"])

    def of(values: Array) -> Band:
        return band(float(values[0]), values[1:] if len(values) > 1 else None, confidence)

    return Lifetime(
        loss=loss,
        images=images,
        evaluations=evaluations,
        size=of(best["size"]),
        steps=of(best["steps"]),
        training=of(best["training"]),
        sampling=of(best["sampling"]),
        total=of(best["training"] + best["sampling"]),
        training_only=of(alone["size"]),
        saved=float(naive[0] / (best["training"] + best["sampling"])[0] - 1),
        unreachable=unreachable,
    )


def forward_of(cost: Cost, images: float) -> Callable[[ArrayLike], Array]:
    """FLOPs of an evaluation: a third of training's for an image, of which a step has `images`.

    A backward pass costs two forward ones; Kaplan et al. 2020, arXiv 2001.08361, section 2.1.
    """
    return lambda size: cost(size) / (3 * images)


def _cheapest(
    p: Mapping[str, Array],
    cost: Cost,
    forward: Callable[[Array], Array],
    loss: float,
    evaluations: float,
) -> dict[str, Array]:
    """Size, steps and FLOPs [B] of the cheapest model."""
    gap = loss - p["E"]
    least = np.log(p["A"] / gap) / p["alpha"]  # log N that needs endless steps

    def steps(log_n: Array) -> Array:
        """(B / (gap - A N^-alpha))^(1 / beta), with the gap's part of steps by expm1."""
        rest = -np.expm1(-p["alpha"][:, None] * (log_n - least[:, None])) * gap[:, None]
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return (p["B"][:, None] / rest) ** (1 / p["beta"][:, None])

    def total(log_n: Array) -> Array:
        n = np.exp(log_n)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            return np.log(cost(n) * steps(log_n) + evaluations * forward(n))

    # With a tiny exponent even the least size underflows: the search starts no lower than this.
    start = np.maximum(least, np.log(cost.sizes[0]) - WIDEST)
    best = lowest(total, start, start + WIDEST)
    size, needed = np.exp(best), steps(best[:, None])[:, 0]
    return {
        "size": size,
        "steps": needed,
        "training": cost(size) * needed,
        "sampling": evaluations * forward(size),
    }
