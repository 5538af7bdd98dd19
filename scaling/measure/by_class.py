"""Distances class by class, and their averages over classes."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from scaling.errors import InputError
from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.metrics import CLASSIFIED, FEWEST, Pair, control, measure
from scaling.measure.features.sets import FeatureSet

RISING = frozenset(["precision", "recall", "density", "coverage", CLASSIFIED])
"""Metrics that are larger for better images."""
MANY = 1_000
"""Samples of the smallest class from which nothing is said."""
# What to say of metrics where classes have few samples.
FITNESS: Mapping[tuple[str, ...], str] = {
    ("kid", "cmmd"): "unbiased however few samples a class has: the ones to read by class",
    (
        "precision",
        "recall",
        "density",
        "coverage",
    ): "values depend on how many samples a class has: compare them at equal numbers only",
    ("fd", "sliced_wasserstein"): "biased upwards by few samples, so that an average over classes "
    "is of that bias for the most part: read it beside the control, or not at all",
    ("fd_infinite",): "only bounded from above where a third of a class's samples is fewer than "
    "the dimensions",
    (CLASSIFIED,): "within a class it tells variety alone",
}


@dataclass(frozen=True, kw_only=True)
class ByClass:
    """Values by class and metric; averages in which each class counts alike, by metric.

    `control` averages the same between halves of each class's real samples. `left_out` has the
    reason of each class that is not in them.
    """

    averages: dict[str, Estimate]
    control: dict[str, Estimate]
    values: dict[str, dict[str, Estimate]]
    counts: dict[str, tuple[int, int]]
    left_out: dict[str, str]
    notes: tuple[str, ...]

    def worst(self, metric: str, count: int) -> list[tuple[str, Estimate]]:
        """Classes in which the metric is worst, the worst first."""
        sign = 1 if metric in RISING else -1
        every = [(name, found[metric]) for name, found in self.values.items()]
        return sorted(every, key=lambda item: sign * item[1].value)[:count]


def by_class(real: FeatureSet, generated: FeatureSet, wanted: Collection[str]) -> ByClass:
    """Of two sets that `compare` accepts. InputError without labels, or where no class is left."""
    of_real, of_generated = labels_of(real, "REAL"), labels_of(generated, "GENERATED")
    in_real, in_generated = Counter(of_real.tolist()), Counter(of_generated.tolist())
    counts = {name: (in_real[name], in_generated[name]) for name in sorted(in_real | in_generated)}
    left_out = {name: why for name, pair in counts.items() if (why := too_few(*pair))}
    kept = [name for name in counts if name not in left_out]
    if not kept:
        told = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:3])
        raise InputError(
            f"no class of {len(counts)} has {2 * FEWEST} real and {FEWEST} generated samples "
            f"({told}); are the classes called the same on both sides?"
        )
    values, controls = {}, {}
    for name in kept:
        theirs, ours = real.features[of_real == name], of_generated == name
        logits = None if generated.logits is None else generated.logits[ours]
        real_logits = None if real.logits is None else real.logits[of_real == name]
        pair = Pair(real=theirs, generated=generated.features[ours], logits=logits)
        values[name] = measure(pair, wanted)
        controls[name] = control(theirs, real_logits, wanted)
    fewest = min(min(counts[name]) for name in kept)
    return ByClass(
        averages=averages(values),
        control=averages(controls),
        values=values,
        counts=counts,
        left_out=left_out,
        notes=tuple(notes(wanted, fewest, real.features.shape[1])),
    )


def labels_of(found: FeatureSet, side: str) -> np.ndarray:
    """As an array of text."""
    if found.labels is None:
        raise InputError(
            f"{side} ({found.source}) does not say the class of each image: add an array `labels` "
            f"[n] (whole numbers or strings) to the .npz, or put every image of the folder into a "
            f"subfolder called as its class"
        )
    return np.array(found.labels)


def too_few(real: int, generated: int) -> str:
    """Why a class of so many samples is left out; empty where it is not."""
    if not real or not generated:
        return f"only in {'REAL' if real else 'GENERATED'} ({real or generated} samples)"
    short = [(real, 2 * FEWEST, "real"), (generated, FEWEST, "generated")]
    return ", ".join(f"{n} of {least} {side} samples" for n, least, side in short if n < least)


def averages(values: Mapping[str, Mapping[str, Estimate]]) -> dict[str, Estimate]:
    """Of independent classes: the sides of an interval add up in quadrature.

    It tells how another draw of samples of these classes would vary, not one of other classes.
    """
    first = next(iter(values.values()))
    return {metric: average([found[metric] for found in values.values()]) for metric in first}


def average(found: list[Estimate]) -> Estimate:
    """With the ends of its interval."""
    value, low, high = np.array([(item.value, item.low, item.high) for item in found]).T
    mean, count = float(value.mean()), len(found)
    down, up = (float(np.sqrt((side**2).sum())) / count for side in (value - low, high - value))
    return Estimate(value=mean, low=mean - down, high=mean + up)


def notes(wanted: Collection[str], fewest: int, dimension: int) -> Iterator[str]:
    """Which of these metrics are fit for the samples that a class has."""
    if fewest >= max(MANY, 3 * dimension):
        return
    yield f"the smallest class has {fewest} samples a side, of {dimension} dimensions"
    for names, told in FITNESS.items():
        if among := [name for name in names if name in wanted]:
            yield f"{', '.join(among)}: {told}"
