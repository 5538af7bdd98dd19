"""Two sets of features compared: values, their control, and what to be wary of."""

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass

from scaling.errors import InputError
from scaling.measure.by_class import ByClass, by_class
from scaling.measure.distances.class_matched import ClassMatched, class_matched
from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.frechet import PRECISION
from scaling.measure.distances.gaussianity import Gaussianity, tested
from scaling.measure.distances.metrics import (
    CLASSIFIED,
    FEWEST,
    METRICS,
    SLOPE,
    Pair,
    control,
    measure,
)
from scaling.measure.distances.shape import beyond_gaussian
from scaling.measure.features import protocol
from scaling.measure.features.sets import FeatureSet

RELIABLE = 5_000
"""Samples a side from which published Frechet distances are read."""
SIGNIFICANT = 0.01
GAUSSIAN_METRICS = frozenset(["fd", "fd_infinite"])


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Values by metric; `control` is between two halves of the real set, `halves` samples each.

    `beyond_gaussian` is None where the sets do not differ beyond noise; `class_matched` where fd is
    not wanted or a side lacks logits; `by_class` where nobody asked.
    """

    values: dict[str, Estimate]
    control: dict[str, Estimate]
    halves: int
    gaussianity: Gaussianity | None
    beyond_gaussian: Estimate | None
    class_matched: ClassMatched | None
    by_class: ByClass | None
    warnings: tuple[str, ...]
    protocol: dict[str, str | int]


def compare(
    real: FeatureSet,
    generated: FeatureSet,
    wanted: Collection[str] = METRICS,
    *,
    classes: bool = False,
    top: int = 1,
) -> Comparison:
    """Of all samples, and class by class where `classes`; histograms are of `top` classes each.

    InputError where protocols or dimensions differ, samples are too few for any metric, or the
    classes that are asked for are not told.
    """
    names = (f"REAL ({real.source})", f"GENERATED ({generated.source})")
    protocol.alike(asdict(real.protocol), asdict(generated.protocol), names)
    if real.features.shape[1] != generated.features.shape[1]:
        told = " and ".join(str(found.features.shape[1]) for found in (real, generated))
        raise InputError(f"{names[0]} and {names[1]} have features of {told} dimensions")
    if real.logits is not None and generated.logits is not None:
        of_real, of_generated = real.logits.shape[1], generated.logits.shape[1]
        if of_real != of_generated:
            raise InputError(
                f"{names[0]} and {names[1]} have logits of {of_real} and {of_generated} classes; "
                f"they must come from one classifier"
            )
    for name, found, least in ((names[0], real, 2 * FEWEST), (names[1], generated, FEWEST)):
        if len(found) < least:
            raise InputError(f"{name} holds {len(found)} samples; at least {least} are needed")
    pair = Pair(real=real.features, generated=generated.features, logits=generated.logits)
    apart = by_class(real, generated, wanted) if classes else None
    normal = tested(real.features)
    with_slope = (*wanted, *([SLOPE] if "fd_infinite" in wanted else []))
    matched, why_not = histogram(real, generated, top) if "fd" in wanted else (None, "")
    return Comparison(
        values=measure(pair, with_slope),
        control=control(real.features, real.logits, with_slope),
        halves=len(real) // 2,
        gaussianity=normal,
        beyond_gaussian=beyond_gaussian(real.features, generated.features),
        class_matched=matched,
        by_class=apart,
        warnings=(*warnings(real, generated, wanted, normal), *([why_not] if why_not else [])),
        protocol={
            **asdict(real.protocol),
            "real_count": len(real),
            "real_sha256": real.sha256,
            "generated_count": len(generated),
            "precision": PRECISION,
        },
    )


def histogram(real: FeatureSet, generated: FeatureSet, top: int) -> tuple[ClassMatched | None, str]:
    """Or why there is none."""
    if real.logits is None or generated.logits is None:
        return None, "fd_class_matched is left out: both sides need the logits of a classifier"
    try:
        found = class_matched(
            real.features, generated.features, real.logits, generated.logits, top=top
        )
    except ValueError as error:
        return None, f"fd_class_matched is left out: {error}"
    return found, ""


def warnings(
    real: FeatureSet,
    generated: FeatureSet,
    wanted: Collection[str],
    normal: Gaussianity | None,
) -> Iterator[str]:
    """Sentences on what weakens the numbers."""
    for side, found in (("REAL", real), ("GENERATED", generated)):
        yield from (f"{side}: {note}" for note in found.notes)
    fewest, dimension = min(len(real), len(generated)), real.features.shape[1]
    frechet = GAUSSIAN_METRICS & set(wanted)
    if frechet and fewest < dimension:
        yield (
            f"{fewest} samples are fewer than the {dimension} dimensions of the features: most of "
            f"the plain fd is bias, and fd_infinite is only bounded from above; prefer kid"
        )
    elif "fd_infinite" in frechet and fewest // 3 < dimension:
        yield (
            f"a third of {fewest} samples is fewer than the {dimension} dimensions of the "
            f"features: fd_infinite is only bounded from above"
        )
    elif frechet and fewest < RELIABLE:
        yield (
            f"{fewest} samples are few: the plain fd is biased upwards and cannot be set beside "
            f"one of another number of samples"
        )
    if "fd" in frechet and len(real) // 2 < min(len(generated), len(real)):
        yield (
            "the control's halves are smaller than the sets, so that what is biased by few samples "
            "(fd, sliced_wasserstein) comes out larger there"
        )
    if frechet and normal is None:
        yield "the real features are too few, or too alike, to tell whether they are Gaussian"
    elif frechet and normal is not None and normal.p_value <= SIGNIFICANT:
        yield (
            f"the real features are not Gaussian (Mardia's test on {normal.axes} random axes, "
            f"p = {normal.p_value:.3g}), as the Frechet distance supposes: it sees only their "
            f"means and covariances"
        )
    if CLASSIFIED in wanted and generated.logits is None:
        yield f"{CLASSIFIED} is left out: these features come without the logits of a classifier"
