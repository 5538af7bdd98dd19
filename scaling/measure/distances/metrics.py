"""Every metric by its name, of two sets of features, beside the same between two real halves."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.gaussianity import tested
from scaling.measure.distances.inception_score import inception_score
from scaling.measure.distances.infinite import frechet_infinite
from scaling.measure.distances.influence import frechet_distance
from scaling.measure.distances.kernel import cmmd, kid
from scaling.measure.distances.neighbours import DENSITY_NEIGHBOURS, manifolds
from scaling.measure.distances.order import order
from scaling.measure.distances.shape import share_beyond
from scaling.measure.distances.sliced import sliced_wasserstein

FEWEST = 8
"""Samples a side, for a distance extrapolated from a quarter of them."""
CLASSIFIED = "inception_score"
SHARES = ("fd/1", "fd/2", "fd/3", "fd/4")
"""The mean Frechet distance of disjoint halves, thirds ... of the samples; the first is of all."""
SLOPE = "fd_slope"
"""n times what the Frechet distance of n generated samples is above its limit."""
BEYOND = "beyond_gaussian"
"""Share of the difference that lies beyond means and variances; not-a-number where the sets do not
differ beyond noise."""
GAUSSIANITY = ("gaussianity/p_value", "gaussianity/skewness", "gaussianity/kurtosis")
"""Mardia's test of the generated features; not-a-number where these are too few or too alike."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Features of two sets, and logits of the second where there are any."""

    real: Float[np.ndarray, "n d"]
    generated: Float[np.ndarray, "m d"]
    logits: Float[np.ndarray, "m classes"] | None


def _manifolds(pair: Pair) -> dict[str, Estimate]:
    found = manifolds(pair.real, pair.generated)
    return {
        "precision": found.precision,
        "recall": found.recall,
        "density": found.density,
        "coverage": found.coverage,
    }


def _infinite(pair: Pair) -> dict[str, Estimate]:
    found = frechet_infinite(pair.real, pair.generated)
    # A mean over k shares has about the noise of the whole: k times the variance, over k.
    whole = found.whole
    below, above = whole.value - whole.low, whole.high - whole.value
    shares = (replace(whole, value=v, low=v - below, high=v + above) for v in found.values)
    return {
        "fd": whole,
        "fd_infinite": found.limit,
        SLOPE: found.slope,
        **dict(zip(SHARES, shares, strict=True)),
    }


def _beyond(pair: Pair) -> dict[str, Estimate]:
    return {BEYOND: share_beyond(pair.real, pair.generated) or Estimate.unknown()}


def _gaussianity(pair: Pair) -> dict[str, Estimate]:
    found = tested(pair.generated)
    if found is None:
        return dict.fromkeys(GAUSSIANITY, Estimate.unknown())
    values = (found.p_value, found.skewness, found.kurtosis)
    return dict(zip(GAUSSIANITY, map(Estimate.alone, values), strict=True))


def _score(pair: Pair) -> dict[str, Estimate]:
    return {} if pair.logits is None else {CLASSIFIED: inception_score(pair.logits)}


# What is asked for it, and what computes it; the extrapolation has the plain distance by the way.
TOGETHER: Mapping[tuple[str, ...], Callable[[Pair], dict[str, Estimate]]] = {
    ("fd_infinite", SLOPE, *SHARES): _infinite,
    ("fd",): lambda pair: {"fd": frechet_distance(pair.real, pair.generated)},
    ("kid",): lambda pair: {"kid": kid(pair.real, pair.generated)},
    ("cmmd",): lambda pair: {"cmmd": cmmd(pair.real, pair.generated)},
    ("precision", "recall", "density", "coverage"): _manifolds,
    (CLASSIFIED,): _score,
    ("sliced_wasserstein",): lambda pair: {
        "sliced_wasserstein": sliced_wasserstein(pair.real, pair.generated)
    },
    (BEYOND,): _beyond,
    GAUSSIANITY: _gaussianity,
}
METRICS = (
    *("fd", "fd_infinite", "kid", "cmmd"),
    *("precision", "recall", "density", "coverage", CLASSIFIED, "sliced_wasserstein"),
)


def measure(pair: Pair, wanted: Collection[str]) -> dict[str, Estimate]:
    """What is asked for of METRICS and the constants above, so ordered.

    An inception score needs logits.
    """
    assert min(len(pair.real), len(pair.generated)) >= FEWEST > DENSITY_NEIGHBOURS
    found: dict[str, Estimate] = {}
    for names, compute in TOGETHER.items():
        if (set(names) & set(wanted)) - set(found):
            found |= compute(pair)
    every = (*METRICS[:2], SLOPE, *METRICS[2:], BEYOND, *SHARES, *GAUSSIANITY)
    return {name: found[name] for name in every if name in found and name in wanted}


def control(
    real: Float[np.ndarray, "n d"],
    logits: Float[np.ndarray, "n classes"] | None,
    wanted: Collection[str],
) -> dict[str, Estimate]:
    """The same between two random halves of the real set: what chance and bias alone amount to."""
    first, second = halves(real, *([] if logits is None else [logits]))
    pair = Pair(
        real=real[first],
        generated=real[second],
        logits=None if logits is None else logits[second],
    )
    return measure(pair, wanted)


def halves(*columns: Float[np.ndarray, "n _"], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the control's two sets, of features and what else tells samples apart."""
    rows = order(*columns)
    first, second = np.array_split(rows[np.random.default_rng(seed).permutation(len(rows))], 2)
    return first, second
