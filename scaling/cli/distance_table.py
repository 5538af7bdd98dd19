"""What `scaling distance` prints."""

from collections.abc import Iterator

from scaling.measure.by_class import ByClass
from scaling.measure.comparison import Comparison
from scaling.measure.distances.class_matched import ClassMatched
from scaling.measure.distances.estimate import Estimate

WORST = 5
"""So many classes are named."""
MISSED = 0.001
"""Total variation from which a histogram is said not to be matched."""


def table(comparison: Comparison) -> str:
    """Values with their intervals, the control beside them; then what to be wary of."""
    about = comparison.protocol
    lines = [
        "{real_count} real, {generated_count} generated; features by {network}".format(**about),
        heading(f"between real halves ({comparison.halves} each)"),
    ]
    for name, estimate in comparison.values.items():
        lines.append(row(name, estimate, comparison.control.get(name)))
        if name == "fd" and comparison.class_matched is not None:
            lines.append(row("fd_class_matched", comparison.class_matched.fd, None))
    if comparison.class_matched is not None:
        lines += of_histogram(comparison.class_matched)
    lines.append(of_shape(comparison.beyond_gaussian))
    if comparison.by_class is not None:
        lines += of_classes(comparison.by_class)
    return "\n".join([*lines, *(f"note: {text}" for text in comparison.warnings)])


def heading(beside: str) -> str:
    """Of the columns."""
    return f"{'':<20}{'value':>12}{'95 % interval':>28}    {beside}"


def row(name: str, estimate: Estimate, beside: Estimate | None) -> str:
    """One metric."""
    return f"{name:<20}{estimate.value:>12.5g}{interval(estimate):>28}" + (
        f"    {beside.value:.5g} {interval(beside)}" if beside else ""
    )


def of_histogram(found: ClassMatched) -> Iterator[str]:
    """What the histogram of classes is of the Frechet distance."""
    among = f" among the {found.top} likeliest of a sample" if found.top > 1 else ""
    yield (
        f"{found.histogram.value:.5g} {interval(found.histogram)} of fd is only how often each of "
        f"{found.classes} classes is seen{among}: so much it falls when generated samples are "
        f"weighted to match (fd_class_matched, as noisy as {found.effective:.0f} unweighted ones)"
    )
    if found.unmatched:
        yield (
            f"note: {found.unmatched:.1%} of the real samples are of classes that no generated one "
            f"is seen as; these cannot be matched"
        )
    if found.missed > MISSED:
        yield (
            f"note: no weights of these samples match the histogram of the other classes: a total "
            f"variation of {found.missed:.1%} stays"
        )


def of_shape(found: Estimate | None) -> str:
    """What lies beyond means and variances."""
    if found is None:
        return "the sets do not differ beyond noise along random directions"
    return (
        f"{found.value:.0%} [{found.low:.0%}, {found.high:.0%}] of the sliced distance lies beyond "
        f"means and variances, where a Frechet distance is blind"
    )


def of_classes(found: ByClass) -> Iterator[str]:
    """Averages over classes, the worst ones, and those that are left out."""
    count = len(found.values)
    yield ""
    yield f"average over {count} classes, each counting alike"
    yield heading("between real halves of each class")
    for name, estimate in found.averages.items():
        yield row(name, estimate, found.control.get(name))
    if not found.averages:
        return
    first = next(iter(found.averages))
    worst = [f"{name} {value.value:.4g}" for name, value in found.worst(first, WORST)]
    yield f"worst by {first}: {', '.join(worst)}"
    if found.left_out:
        yield f"{len(found.left_out)} of {len(found.counts)} classes left out:"
        yield from (f"  {name}: {why}" for name, why in found.left_out.items())
    yield from (f"note: by class, {text}" for text in found.notes)


def interval(estimate: Estimate) -> str:
    """`[low, high]`."""
    return f"[{estimate.low:.5g}, {estimate.high:.5g}]"
