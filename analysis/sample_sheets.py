"""What is said of distances of samples: a sheet, sentences, and the floor of a fitted one."""

from collections.abc import Callable, Iterator, Sequence

from analysis.formats import Sheet
from analysis.laws.suited import is_rate
from analysis.sample_metrics import Measured, OfRung, SampleMetric
from analysis.study import Series


def control_of(series: Series) -> Measured | None:
    """Of the metric that is fitted, where it has one."""
    found = (item for item in series.sample_metrics if item.metric == series.selection.metric)
    return next((item.control for item in found), None)


def sentences(series: Series) -> Iterator[str]:
    """What the table does not say by itself."""
    for item in distances_of(series):
        few = f"{item.samples} samples"
        if item.only_bounded:
            yield (
                f"{item.metric}: {few} bound it from above alone, for its intervals reach zero; "
                "read it as a trend, for all runs share captions, noise and references."
            )
        elif item.reached:
            told = ", ".join(item.reached)
            yield f"{item.metric}: {few} cannot tell {told} from real images."
    control = control_of(series)
    if control is not None and not is_rate(series.selection.metric):
        floor = max(control.value, 0.0)
        yield (
            f"Real images in the samples' place have a {series.selection.metric} of {control}. To "
            f"take that for the floor instead of fitting one, write in the manifest "
            f"fit: {{metric: {series.selection.metric}, floor: control}}, which is known: "
            f"{{E: [{floor:.3g}, {control.error:.2g}]}}."
        )


def sample_metrics_sheet(series: Series) -> Sheet:
    """A row for each rung, and one for real images in the samples' place."""
    return sheet_of(distances_of(series), "Sample metrics at the last horizon", metric_of)


def distances_of(series: Series) -> tuple[SampleMetric, ...]:
    """Metrics of samples but for rates of preference, which have a section of their own."""
    return tuple(item for item in series.sample_metrics if not is_rate(item.metric))


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
    rows.append(("real images", "", "", *(str(metric.control) for metric in found)))
    headings = ("rung", "parameters", "runs", *(name(metric) for metric in found))
    return Sheet(title=title, headings=headings, rows=tuple(rows))
