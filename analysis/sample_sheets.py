"""What is said of distances of samples: a sheet, sentences, and the floor of a fitted one."""

from collections.abc import Callable, Iterator, Sequence
from math import isnan

from analysis.formats import Sheet
from analysis.laws.suited import is_rate
from analysis.sample_metrics import BEYOND, Measured, OfRung, SampleMetric
from analysis.study import Series


def control_of(series: Series) -> Measured | None:
    """Of the metric that is fitted, where it has one."""
    metric = series.selection.metric
    found = (item for item in series.sample_metrics if item.metric == metric != BEYOND)
    return next((item.control for item in found), None)


def sentences(series: Series) -> Iterator[str]:
    """What the table does not say by itself."""
    for item in distances_of(series):
        sets = f"{item.repeats} sets of " if item.repeats > 1 else ""
        few = f"{sets}{item.samples} samples"
        if item.only_bounded:
            yield (
                f"{item.metric}: {few} bound it from above alone, for its intervals reach zero; "
                "read it as a trend, for all runs share captions, noise and references."
            )
        elif item.reached:
            told = ", ".join(item.reached)
            yield f"{item.metric}: {few} cannot tell {told} from real images."
    yield from unseen(series)
    control = control_of(series)
    if control is not None and not is_rate(series.selection.metric):
        floor = max(control.value, 0.0)
        yield (
            f"Real images in the samples' place have a {series.selection.metric} of {control}. To "
            f"take that for the floor instead of fitting one, write in the manifest "
            f"fit: {{metric: {series.selection.metric}, floor: control}}, which is known: "
            f"{{E: [{floor:.3g}, {control.error:.2g}]}}."
        )


def unseen(series: Series) -> Iterator[str]:
    """How much of the difference from real images no Frechet distance sees."""
    for item in series.sample_metrics:
        if item.metric != BEYOND:
            continue
        shares = ", ".join(f"{rung.rung} {percent(rung.mean)}" for rung in item.rungs)
        every = {rung.rung for other in distances_of(series) for rung in other.rungs}
        alike = sorted(every - {rung.rung for rung in item.rungs})
        yield (
            "So much of the difference between samples and real images, along random directions of "
            "their features, lies beyond means and variances, where a Frechet distance is blind: "
            f"{shares}."
            + (f" {', '.join(alike)}: no difference there beyond noise." if alike else "")
        )


def percent(found: Measured) -> str:
    """A share and its interval: 14 % [9, 19]."""
    return f"{100 * found.value:.0f} % [{100 * found.low:.0f}, {100 * found.high:.0f}]"


def sample_metrics_sheet(series: Series) -> Sheet:
    """A row for each rung, and one for real images in the samples' place."""
    found = tuple(item for item in series.sample_metrics if not is_rate(item.metric))
    return sheet_of(found, "Sample metrics at the last horizon", metric_of)


def distances_of(series: Series) -> tuple[SampleMetric, ...]:
    """But for rates of preference, which have a section of their own, and shares."""
    return tuple(
        item for item in series.sample_metrics if not is_rate(item.metric) and item.metric != BEYOND
    )


def metric_of(item: SampleMetric) -> str:
    """The metric's name."""
    return item.metric


def sheet_of(
    found: Sequence[SampleMetric], title: str, name: Callable[[SampleMetric], str]
) -> Sheet:
    """Of any metrics along the ladder."""
    if not found:
        return Sheet(title="", headings=(), rows=())
    about: dict[str, OfRung] = {item.rung: item for metric in found for item in metric.rungs}
    means = [{item.rung: str(item.mean) for item in metric.rungs} for metric in found]
    rows = [
        (
            rung,
            f"{item.size:,.0f}",
            str(item.runs),
            *(of_metric.get(rung, "") for of_metric in means),
        )
        for rung, item in sorted(about.items(), key=lambda pair: pair[1].size)
    ]
    real = ("" if isnan(item.control.value) else str(item.control) for item in found)
    rows.append(("real images", "", "", *real))
    headings = ("rung", "parameters", "runs", *(name(metric) for metric in found))
    return Sheet(title=title, headings=headings, rows=tuple(rows))
