"""What a study shows of hyper-parameter transfer: tables and sentences, over all its series."""

import math

from analysis.best_rate import RungRates
from analysis.coordinates import METRICS
from analysis.formats import Sheet
from analysis.rates import RateSweep
from analysis.rounding import rounded, with_error
from analysis.study import Series, Study
from analysis.tuning import CLOSE, Tuning, told

WORDS = {"width": "widths", "parameters_non_embedding": "parameters without embeddings"}


def rates_sheet(study: Study) -> Sheet:
    """Each rung for which several learning rates were tried: the best one and the optimum."""
    rows = []
    for series in study.series:
        for item in series.rates.rungs if series.rates else ():
            best = next(cell for cell in item.tried if cell.rate == item.best)
            loss, error = with_error(best.loss, best.standard_error)
            rows.append(
                (
                    series.label,
                    item.rung,
                    f"{item.width:g}" if item.width else "",
                    ", ".join(f"{cell.rate:.3g}" for cell in item.tried),
                    f"{item.best:.3g}",
                    f"{loss} ± {error}" if error else loss,
                    f"{item.optimum:.3g}" if item.optimum else "",
                    _interval(item),
                    f"at the {item.edge} rate tried" if item.edge else "inside",
                    _diverged(item),
                    item.note,
                )
            )
    headings = ("series", "rung", "width", "rates tried", "best tried", "its loss", "optimum",
                "interval", "best lies", "runs diverged", "note")  # fmt: skip
    return Sheet(title="Learning rates", headings=headings, rows=tuple(rows))


def coordinates_sheet(study: Study) -> Sheet:
    """Each layer's slope of log root mean square over log width."""
    rows = []
    for series in study.series:
        slopes = {(item.layer, item.metric): item for item in series.coordinates}
        for layer in dict.fromkeys(item.layer for item in series.coordinates):
            found = [slopes.get((layer, metric)) for metric in METRICS]
            cells = [
                "" if item is None else slope(item.slope, item.standard_error) for item in found
            ]
            rows.append((series.label, layer, *cells))
    headings = ("series", "layer", *(f"slope of its {words}" for words in METRICS.values()))
    return Sheet(title="Activations over width", headings=headings, rows=tuple(rows))


def slope(value: float, error: float) -> str:
    """'0.03 ± 0.01', without an error where there is none."""
    places = 3 if error < 0.005 else 2
    rounded_slope = round(value, places) + 0.0  # no negative zero
    if not math.isfinite(error):
        return f"{rounded_slope:+.{places}f}"
    return f"{rounded_slope:+.{places}f} ± {error:.{places}f}"


def rates_sentences(study: Study) -> list[str]:
    """For each series whose rates were swept, how far the best one moves with size."""
    return [
        f"{series.label}: {sentence}" if series.label else sentence[0].upper() + sentence[1:]
        for series in study.series
        if series.rates and len(series.rates.rungs) > 1
        for sentence in [_moves(series.rates)]
    ]


def tuning_sentence(series: Series) -> str:
    """Which rungs of a series nothing shows to be tuned; empty where all are."""
    return told([(item.rung, Tuning(how=item.tuned, why=item.tuned_why)) for item in series.rungs])


def _moves(rates: RateSweep) -> str:
    low, high = rates.span
    over = f"over {WORDS.get(rates.variable, rates.variable)} {low:,.0f} to {high:,.0f}"
    least = "at least " if rates.at_edge else ""
    text = f"the best learning rate moves by {least}a factor {rates.moves:.2g} {over}"
    if rates.moves >= CLOSE:
        text += f", {CLOSE:g} or more: it does not transfer"
    elif not rates.at_edge:
        text += f", less than {CLOSE:g}: one rate serves all"
    text += "."
    if rates.at_edge:
        text += f" At {', '.join(rates.at_edge)} the best lies at an end of the rates tried."
    return f"{text} {_law(rates)}"


def _law(rates: RateSweep) -> str:
    if rates.law is None:
        return "Too few optima lie inside the rates tried for a law."
    law = rates.law
    name = rates.variable.replace("_", " ")
    if law.interval is None:
        exponent = f"{law.exponent:.2f} (no interval from {law.rungs} rungs)"
    else:
        value, low, high = rounded(law.exponent, *law.interval)
        exponent = f"{value} [{low}, {high}]"
    return f"The optimum of {law.rungs} rungs goes as {name} to the power {exponent}."


def _interval(item: RungRates) -> str:
    if item.edge:
        return ""
    if item.interval is None:
        return "no interval"
    low, high = item.interval
    lowest, highest = item.tried[0].rate, item.tried[-1].rate
    left = f"{low:.3g}" if low > 0 else f"below {lowest:.3g}"
    return f"[{left}, {high:.3g}]" if math.isfinite(high) else f"[{left}, beyond {highest:.3g}]"


def _diverged(item: RungRates) -> str:
    return "; ".join(
        f"{', '.join(cell.diverged)} at {cell.rate:.3g}" for cell in item.tried if cell.diverged
    )
