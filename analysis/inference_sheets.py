"""What is said of the inference settings that rungs chose."""

from collections.abc import Iterator
from math import isnan

from analysis.formats import Sheet
from analysis.inference import Chosen
from analysis.study import Series


def inference_sheet(series: Series) -> Sheet:
    """A row for each rung: what it chose, its metrics at the fixed setting and the best."""
    found = series.inference
    if found is None:
        return Sheet(title="", headings=(), rows=())
    metrics = list(dict.fromkeys(name for item in found.rungs for name in item.best))
    headings = ("rung", "parameters", "runs", "chosen", "by runs")
    for metric in metrics:
        headings += (f"{metric} fixed", f"{metric} best")
    headings += ("evaluations fixed", "evaluations best", "FLOPs fixed", "FLOPs best")
    rows = tuple(_row(item, metrics) for item in found.rungs)
    return Sheet(title="Inference setting by rung", headings=headings, rows=rows).filled()


def _row(item: Chosen, metrics: list[str]) -> tuple[str, ...]:
    name, runs = item.settings[0]
    others = f" (of {len(item.settings)})" if len(item.settings) > 1 else ""
    values = (str(side.get(metric, "")) for metric in metrics for side in (item.fixed, item.best))
    return (
        item.rung,
        f"{item.size:,.0f}",
        str(item.runs),
        name + others,
        f"{100 * runs / item.runs:.0f} %",
        *values,
        *(f"{count:.4g}" for count in item.evaluations),
        *("" if isnan(count) else f"{count:.3g}" for count in item.flops),
    )


def inference_sentences(series: Series) -> Iterator[str]:
    """How settings were chosen, and whether laws were fitted to the best."""
    found = series.inference
    if found is None:
        return
    yield (
        f"Each run's setting has the {found.rule} of {len(found.grid)} settings, by "
        f"{found.tried_on:,} samples at each; the values given for it are of {found.measured_on:,} "
        "other samples, drawn for the captions and from the noise of the fixed setting, so that "
        "having been chosen does not flatter them."
    )
    changing = [item for item in found.rungs if len(item.settings) > 1]
    if changing:
        told = "; ".join(
            f"{item.rung}: " + ", ".join(f"{name} ({runs})" for name, runs in item.settings)
            for item in changing
        )
        yield f"Runs of one rung chose differently ({told}): these settings are hardly told apart."
    small, large = found.rungs[0], found.rungs[-1]
    if small.settings[0][0] != large.settings[0][0]:
        yield (
            f"The smallest rung chose {small.settings[0][0]} and the largest "
            f"{large.settings[0][0]}: one setting for all would favour some sizes."
        )
