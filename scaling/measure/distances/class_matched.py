"""How much of a Frechet distance is the histogram of classes that a classifier sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.frechet import (
    Gaussian,
    frechet,
    gaussian,
    independent,
    many_and_single,
    of_moments,
)
from scaling.measure.distances.influence import Transport, thinned, transport
from scaling.measure.distances.moments import weighted

SHUFFLES = 4
ENOUGH = 16_384
"""Samples a side that errors are read from."""
FEWEST = 8


@dataclass(frozen=True, kw_only=True)
class ClassMatched:
    """FD to generated samples weighted so that their Top-1 classes are as frequent as real ones.

    `histogram` is how much lower that is than FD with the same weights shuffled among samples:
    the part of FD that is only the histogram. `effective`: as many unweighted samples would vary
    as much. `unmatched`: the share of real samples in classes that no generated one is in.
    """

    fd: Estimate
    histogram: Estimate
    effective: float
    classes: int
    unmatched: float


def class_matched(
    real: Float[np.ndarray, "n d"],
    generated: Float[np.ndarray, "m d"],
    real_logits: Float[np.ndarray, "n classes"],
    generated_logits: Float[np.ndarray, "m classes"],
    *,
    seed: int = 0,
) -> ClassMatched:
    """Top-1 histograms aligned (Kynkaanniemi et al. 2023, arXiv 2203.06026, section 3).

    There the generated set is drawn anew with replacement; weights are what that amounts to over
    all draws. Fewer effective samples bias FD upwards, and so the weights, which depend on nothing
    but the class, are shuffled among the samples for what to compare with. Classes that only
    real samples are in cannot be matched: the histogram is that of the others. ValueError where
    no class is shared, or weights leave fewer than FEWEST effective samples.
    """
    of_real, of_generated = real_logits.argmax(axis=1), generated_logits.argmax(axis=1)
    weights, unmatched = matching(of_real, of_generated)
    classes = len(np.intersect1d(of_real, of_generated))
    effective = float(weights.sum() ** 2 / (weights**2).sum())
    if effective < FEWEST:
        raise ValueError(
            f"the classes are so differently frequent that the weighted samples are worth only "
            f"{effective:.1f}"
        )
    a = gaussian(real)
    quick = many_and_single(real) and many_and_single(generated) and independent(a.factor)
    products = np.float32 if quick else np.float64

    def with_weights(some: np.ndarray) -> Gaussian:
        return of_moments(weighted(generated, some, products))

    matched = transport(a, with_weights(weights))
    rng = np.random.default_rng(seed)
    shuffled = [frechet(a, with_weights(rng.permutation(weights))) for _ in range(SHUFFLES)]
    plain = transport(a, gaussian(generated))
    sizes = len(real), len(generated)
    real, of_real = thinned(real, ENOUGH), thinned(of_real, ENOUGH)
    generated, of_generated = thinned(generated, ENOUGH), thinned(of_generated, ENOUGH)
    slope_real, slope_generated = matched_slopes(
        matched, real, generated, thinned(weights, ENOUGH), of_real, of_generated
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
        effective=effective,
        classes=classes,
        unmatched=unmatched,
    )


def matching(
    real: Int[np.ndarray, " n"], generated: Int[np.ndarray, " m"]
) -> tuple[Float[np.ndarray, " m"], float]:
    """Weights of mean one, and the share of real samples in classes without generated ones.

    A class's is its share of real samples over its share of generated ones.
    """
    size = max(int(real.max()), int(generated.max())) + 1
    wanted, found = np.bincount(real, minlength=size), np.bincount(generated, minlength=size)
    weights = (wanted / np.maximum(found, 1))[generated]
    unmatched = float(wanted[found == 0].sum() / len(real))
    if not weights.any():
        raise ValueError("no class is seen in both sets")
    return weights / weights.mean(), unmatched


def matched_slopes(
    matched: Transport,
    real: Float[np.ndarray, "n d"],
    generated: Float[np.ndarray, "m d"],
    weights: Float[np.ndarray, " m"],
    of_real: Int[np.ndarray, " n"],
    of_generated: Int[np.ndarray, " m"],
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, " m"]]:
    """Derivatives of the matched distance by each sample's weight, centred.

    One more generated sample of a class makes the others of it count less, so that only its
    difference from their mean moves anything; one more real sample makes its class count more.
    """
    by_sample = matched.slopes_b(generated)
    size = max(int(of_real.max()), int(of_generated.max())) + 1
    found = np.bincount(of_generated, minlength=size)
    means = np.bincount(of_generated, by_sample, minlength=size) / np.maximum(found, 1)
    both = found[of_real] > 0
    moved = np.where(both, means[of_real] - means[of_real[both]].mean(), 0) / both.mean()
    return (
        centred(matched.slopes_a(real) + moved),
        weights * (by_sample - means[of_generated]),
    )


def centred(slopes: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """Less their mean."""
    return slopes - slopes.mean()


def variance(slopes: Float[np.ndarray, " n"], count: int) -> float:
    """Of the distance from `count` samples, by the infinitesimal jackknife (Jaeckel 1972)."""
    return float((slopes**2).mean()) / count
