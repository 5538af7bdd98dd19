"""Weights that make generated samples' predicted classes as frequent as the real ones'."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

ROUNDS = 2_000
CLOSE = 1e-5
"""A histogram is matched where no class's share is this far from the wanted one."""

Seen = Int[np.ndarray, "_ top"]
"""The classes that a classifier finds likeliest in each sample, in any order."""


@dataclass(frozen=True, kw_only=True)
class Matching:
    """`weights` of the generated samples, of mean one.

    `shared` classes are seen in both sets; `unmatched` is the share of real sightings in classes
    that no generated sample is seen as; `missed` is what stays between the two histograms of the
    shared classes, in total variation.
    """

    weights: Float[np.ndarray, " m"]
    shared: int
    unmatched: float
    missed: float

    @property
    def effective(self) -> float:
        """As many unweighted samples would vary as much (Kish 1965)."""
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())


def top(logits: Float[np.ndarray, "n classes"], count: int) -> Seen:
    """The `count` likeliest classes of each sample. ValueError where there are not so many."""
    classes = logits.shape[1]
    if not 1 <= count <= classes:
        raise ValueError(f"a classifier of {classes} classes has no Top-{count}")
    return np.argpartition(logits, classes - count, axis=1)[:, classes - count :]


def counts(seen: Seen, size: int, weights: Float[np.ndarray, " n"] | None = None) -> np.ndarray:
    """How often each of `size` classes is seen."""
    repeated = None if weights is None else np.repeat(weights, seen.shape[1])
    return np.bincount(seen.ravel(), repeated, minlength=size)


def matching(real: Seen, generated: Seen) -> Matching:
    """By iterative scaling (Darroch & Ratcliff 1972): of all weights that match, the evenest.

    With one class a sample the first round is exact: a class's share of real samples over its
    share of generated ones. ValueError where no class is shared.
    """
    size = int(max(real.max(), generated.max())) + 1
    wanted, found = counts(real, size), counts(generated, size)
    unmatched = float(wanted[found == 0].sum() / wanted.sum())
    shared = (found > 0) & (wanted > 0)
    if not shared.any():
        raise ValueError("no class is seen in both sets")
    target = np.where(found > 0, wanted, 0) / wanted[found > 0].sum()
    weights, apart = np.ones(len(generated)), np.ones(size)
    for _ in range(ROUNDS):
        shares = counts(generated, size, weights)
        shares = shares / shares.sum()
        apart = np.abs(shares - target)
        if apart.max() < CLOSE * target.max():
            break
        ratios = np.divide(target, shares, out=np.zeros(size), where=shares > 0)
        weights = weights * ratios[generated].prod(axis=1) ** (1 / generated.shape[1])
        if not weights.any():
            raise ValueError("every generated sample is seen as some class that no real one is in")
        weights /= weights.mean()
    return Matching(
        weights=weights,
        shared=int(shared.sum()),
        unmatched=unmatched,
        missed=float(apart.sum() / 2),
    )


def explained(
    slopes: Float[np.ndarray, " m"],
    weights: Float[np.ndarray, " m"],
    generated: Seen,
    size: int,
) -> Float[np.ndarray, " classes"]:
    """What each class adds to `slopes`, by weighted least squares: its mean, for Top-1."""
    from scipy.sparse import csr_array

    rows, each = generated.shape
    places = generated.ravel(), np.arange(0, rows * each + 1, each)
    is_in = csr_array((np.ones(rows * each), *places), shape=(rows, size))
    weighted = is_in * np.sqrt(weights)[:, None]
    gram = np.asarray((weighted.T @ weighted).todense())
    return np.linalg.lstsq(gram, is_in.T @ (weights * slopes), rcond=1e-10)[0]
