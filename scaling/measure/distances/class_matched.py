"""How much of a Frechet distance is the histogram of classes that a classifier sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from scaling.measure.distances import histograms
from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.frechet import (
    Gaussian,
    frechet,
    gaussian,
    independent,
    many_and_single,
    of_moments,
)
from scaling.measure.distances.influence import Transport, transport
from scaling.measure.distances.moments import weighted
from scaling.measure.distances.order import order

SHUFFLES = 4
ENOUGH = 16_384
"""Samples a side that errors are read from."""
FEWEST = 8


@dataclass(frozen=True, kw_only=True)
class ClassMatched:
    """FD to generated samples weighted so that their Top-N classes are as frequent as real ones'.

    `histogram` is how much lower that is than FD with the same weights shuffled among samples:
    the part of FD that is only the histogram. `effective`: as many unweighted samples would vary
    as much. `unmatched`: the share of real sightings in classes that no generated sample is in.
    `missed`: the total variation that no weights of these samples take away.
    """

    fd: Estimate
    histogram: Estimate
    top: int
    effective: float
    classes: int
    unmatched: float
    missed: float


def class_matched(
    real: Float[np.ndarray, "n d"],
    generated: Float[np.ndarray, "m d"],
    real_logits: Float[np.ndarray, "n classes"],
    generated_logits: Float[np.ndarray, "m classes"],
    *,
    top: int = 1,
    seed: int = 0,
) -> ClassMatched:
    """Top-N histograms aligned (Kynkaanniemi et al. 2023, arXiv 2203.06026, section 3).

    There the generated set is drawn anew with replacement; weights are what that amounts to over
    all draws. Fewer effective samples bias FD upwards, and so the weights, which depend on nothing
    but the classes, are shuffled among the samples for what to compare with. Classes that only
    real samples are in cannot be matched: the histogram is that of the others. ValueError where
    no class is shared, or weights leave fewer than FEWEST effective samples.
    """
    real, of_real = in_order(real, real_logits, top)
    generated, of_generated = in_order(generated, generated_logits, top)
    found = histograms.matching(of_real, of_generated)
    if found.effective < FEWEST:
        raise ValueError(
            f"the classes are so differently frequent that the weighted samples are worth only "
            f"{found.effective:.1f}"
        )
    a = gaussian(real)
    quick = many_and_single(real) and many_and_single(generated) and independent(a.factor)
    products = np.float32 if quick else np.float64

    def with_weights(some: np.ndarray) -> Gaussian:
        return of_moments(weighted(generated, some, products))

    matched = transport(a, with_weights(found.weights))
    rng = np.random.default_rng(seed)
    shuffled = [frechet(a, with_weights(rng.permutation(found.weights))) for _ in range(SHUFFLES)]
    plain = transport(a, gaussian(generated))
    sizes = len(real), len(generated)
    real, of_real = real[:ENOUGH], of_real[:ENOUGH]
    generated, of_generated = generated[:ENOUGH], of_generated[:ENOUGH]
    slope_real, slope_generated = matched_slopes(
        matched, real, generated, found.weights[:ENOUGH], of_real, of_generated
    )
    own = variance(slope_real, sizes[0]) + variance(slope_generated, sizes[1])
    difference = (
        variance(centred(plain.slopes_a(real)) - slope_real, sizes[0])
        + variance(centred(plain.slopes_b(generated)) - slope_generated, sizes[1])
        + float(np.var(shuffled, ddof=1)) / SHUFFLES
    )
    return ClassMatched(
        fd=Estimate.normal(matched.distance, own**0.5),
        histogram=Estimate.normal(float(np.mean(shuffled)) - matched.distance, difference**0.5),
        top=top,
        effective=found.effective,
        classes=found.shared,
        unmatched=found.unmatched,
        missed=found.missed,
    )


def in_order(
    features: Float[np.ndarray, "n d"], logits: Float[np.ndarray, "n classes"], count: int
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "n top"]]:
    """Features and likeliest classes, at random but for any order given in the same way."""
    rows = order(features, logits)[np.random.default_rng(0).permutation(len(features))]
    return features[rows], histograms.top(logits[rows], count)


def matched_slopes(
    matched: Transport,
    real: Float[np.ndarray, "n d"],
    generated: Float[np.ndarray, "m d"],
    weights: Float[np.ndarray, " m"],
    of_real: Int[np.ndarray, "n top"],
    of_generated: Int[np.ndarray, "m top"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """Derivatives of the matched distance by each sample's weight, centred.

    One more generated sample of some classes makes the others of them count less, so that only
    what its classes do not explain moves anything; one more real sample makes its classes count
    more (calibrated weights: Deville & Sarndal 1992).
    """
    by_sample = matched.slopes_b(generated)
    by_sample = by_sample - np.average(by_sample, weights=weights)
    size = int(max(of_real.max(), of_generated.max())) + 1
    of_class = histograms.explained(by_sample, weights, of_generated, size)
    there = histograms.counts(of_generated, size) > 0
    both = there[of_real].sum(axis=1) / of_real.shape[1]
    share = histograms.counts(of_real, size) * there / there[of_real].sum()
    each = (of_class * there)[of_real].sum(axis=1)
    mean = of_real.shape[1] * (share @ of_class)
    moved = (each - both * mean) / both.mean()
    return (
        centred(matched.slopes_a(real) + moved),
        weights * (by_sample - of_class[of_generated].sum(axis=1)),
    )


def centred(slopes: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Less their mean."""
    return slopes - slopes.mean()


def variance(slopes: Float[np.ndarray, " n"], count: int) -> float:
    """Of the distance from `count` samples, by the infinitesimal jackknife (Jaeckel 1972)."""
    return float((slopes**2).mean()) / count
