"""Distances of several sets of generated samples from the same real ones: their means."""

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from scaling.measure.distances.estimate import Estimate, standard_error
from scaling.measure.distances.metrics import GAUSSIANITY, Pair, measure


def measure_sets(pair: Pair, sets: int, wanted: Collection[str]) -> dict[str, Estimate]:
    """As `measure`, the generated samples being so many sets of equal size, one after another.

    Distances are means over sets, of the bias that one set has. The test of Gaussianity is of all
    sets together, for a mean of p-values is none.
    """
    if sets == 1:
        return measure(pair, wanted)
    one_by_one = [name for name in wanted if name not in GAUSSIANITY]
    each = [
        measure(replace(pair, generated=own), one_by_one) for own in np.split(pair.generated, sets)
    ]
    means = {name: over_sets([found[name] for found in each]) for name in each[0]}
    return means | measure(pair, [name for name in wanted if name in GAUSSIANITY])


def over_sets(found: Sequence[Estimate]) -> Estimate:
    """The mean over two sets or more, and how far it would vary.

    To first order (Hoeffding 1948) the distance of set r is D_r = D + a + g_r: a is of the real
    samples, and of whatever else sets have in common, and g_r of the set's own. So var(mean) =
    var(a) + var(g) / k. An interval of one set has T^2 = var(a) + s^2, where s^2 is what its
    samples bring. How sets differ, S^2 = sum (D_r - mean)^2 / (k - 1), is free of a; what it has
    beyond s^2 is of the seeds: the component of variance between groups, cut off at zero (Searle,
    Casella & McCulloch 1992, chapter 3). Hence

        var(mean) = mean(T^2 - s^2) + (s^2 + max(S^2 - s^2, 0)) / k.

    That supposes sets drawn independently of each other, given the real samples: captions that
    several sets share bring an error that averages out less. Where s is not told apart it counts as
    zero: nothing of T averages out. So it is of precision and its kin, whose T holds balls fixed
    and lacks what the samples in their centres bring. Of few sets S^2 is known but roughly: the cut
    makes the error some 15 % too large where seeds bring nothing, and an interval of what is of
    seeds for the most part is too short. Not-a-number unless every set has a value.
    """
    count = len(found)
    values = np.array([item.value for item in found])
    totals = np.array([standard_error(item) for item in found], float) ** 2
    own = np.array([item.of_generated or 0.0 for item in found]) ** 2
    stays, samples = float(np.maximum(totals - own, 0).mean()), float(own.mean())
    seeds = max(float(values.var(ddof=1)) - samples, 0.0)
    averaged = (samples + seeds) / count
    return Estimate.normal(
        float(values.mean()), (stays + averaged) ** 0.5, of_generated=averaged**0.5
    )
