"""The answer in a sentence: does the loss obey a law, and does the law predict?"""

import math

from analysis.along import SIZE
from analysis.fit_sheets import NOT_IDENTIFIED, parameter
from analysis.fitted import Fit
from analysis.hold_out import VERDICTS, HoldOut, Prediction, Verdict
from analysis.laws import find
from analysis.laws.suited import is_rate
from analysis.questions import Attempt
from analysis.rounding import named, rounded, with_error
from analysis.study import Series
from analysis.trust.averaging import averages
from analysis.words import noun

MOST_NAMES = 6
WORST_FIRST = ("fails", "untested", "weak", "rough", "holds")
ANSWERS: dict[Verdict, str] = {
    "holds": "The law holds as far as it was tested",
    "rough": "The law is only a rough description",
    "weak": "The law is not contradicted, but the test is weak",
    "untested": "Nothing tests the law",
    "fails": "The law does not hold",
}


def headline(series: Series) -> tuple[str, str]:
    """(verdict, sentences): 'holds', 'rough', 'weak', 'fails', 'untested' or 'unsupported'."""
    law = series.headline_law
    if law is None:
        return _without_hold_out(series)
    held = series.hold_out(law)
    if held is None or not held.predictions:
        return "untested", f"A {titled(law, series)} was fitted; no rung was held out to test it."
    parts = [_compare(item, series, law) for item in held.predictions]
    verdict = held.predictions[_worst(held)].verdict
    average = averages(series.law_choice.averaged) if series.law_choice else ""
    told = f"{ANSWERS[verdict]}. {' '.join(parts)} {_why(series, verdict)} {average}"
    return verdict, told.rstrip()


def _without_hold_out(series: Series) -> tuple[str, str]:
    """What can be said where no law was tested: the law of all rungs, or of one's steps."""
    found = untested(series)
    whole = found is not None and found.rung is None
    tried = series.hold_outs if whole else (*series.fits, *series.hold_outs)
    reasons = [item.unsupported for item in tried]
    reason = next((text for text in reasons if text), "nothing could be fitted")
    if found is None or found.fit is None:
        largest = series.rungs[-1]
        value, error = with_error(largest.loss.value, largest.loss.standard_error)
        measured = f"{named(largest.rung)} reached {value}{f' ± {error}' if error else ''}"
        return "unsupported", f"No law can be fitted to these runs: {reason}. {measured}."
    title, values = titled(found.law, series), parameters_in_words(found.fit)
    misses = f"it misses its points by {100 * found.fit.residual_rms:.2g}%"
    if found.rung is None:
        count = len(found.fit.rungs)
        return "untested", (
            f"Fitted to all {count} rungs, a {title} has {values}; {misses}. No rung could be held "
            f"out to test it: {reason}."
        )
    first, last = (f"{step:,.0f}" for step in found.fit.ranges["x"])
    return "untested", (
        f"Too few sizes for a law in size ({reason}). Along the training of {named(found.rung)}, "
        f"from step {first} to {last}, a {title} has {values}; {misses}. Nothing tests it."
    )


def titled(law: str, series: Series) -> str:
    """What a law is called, and in what, unless that is the size."""
    title = find(law).title
    return title if series.along == SIZE else f"{title} in {noun(series.along)}"


def untested(series: Series) -> Attempt | None:
    """The fit to speak of where none was held out: to all rungs, else to the largest's steps."""
    fitted = [item for item in series.fits if item.fit is not None]
    whole = [item for item in fitted if item.rung is None]
    sure = [item for item in whole if item.fit and not item.fit.not_identified]
    along = [item for rung in series.selection.rungs for item in fitted if item.rung == rung]
    return next(iter(sure or whole), along[-1] if along else None)


def parameters_in_words(fit: Fit) -> str:
    """'alpha = 0.354 [0.331, 0.378], E not identified'."""
    texts = {name: parameter(fit, name) for name in (*fit.parameters, *fit.derived)}
    return ", ".join(
        f"{name} {text}" if text == NOT_IDENTIFIED else f"{name} = {text}"
        for name, text in texts.items()
    )


def _worst(held: HoldOut) -> int:
    """Index of the prediction with the worst verdict."""
    return min(
        range(len(held.predictions)), key=lambda i: WORST_FIRST.index(held.predictions[i].verdict)
    )


def _compare(item: Prediction, series: Series, law: str) -> str:
    predicted, low, high = rounded(item.predicted, *item.interval)
    interval = f" [{low}, {high}]" if item.interval[0] < item.interval[1] else ""
    places = len(predicted.partition(".")[2])
    noise = item.error_in_seed_deviations
    seeds = f", {abs(noise):.1f} times the seed noise" if math.isfinite(noise) else ""
    direction = "above" if item.error_percent > 0 else "below"
    return (
        f"Fitted to the {len(series.rungs) - _held(series, law)} smaller rungs, a "
        f"{titled(law, series)} predicts {predicted}{interval} for {named(item.rung)}; "
        f"measured {item.measured:.{max(places, 4)}f}. The prediction is "
        f"{abs(item.error_percent):.2f}% {direction} the measurement{seeds}."
    )


def _why(series: Series, verdict: Verdict) -> str:
    why = VERDICTS[verdict]
    return why[0].upper() + why[1:] + f".{_falls(series)}"


def _falls(series: Series) -> str:
    """Whether the metric falls, or a rate rises, from rung to rung by more than its error."""
    rate = is_rate(series.selection.metric)
    verb, sign = ("rise", -1) if rate else ("fall", 1)
    falls = [item.falls for item in series.rungs[1:]]
    if not falls or not series.selection.horizons:  # means at different steps cannot be compared
        return ""
    told = noun(series.selection.metric)
    if any(fall is None for fall in falls):
        lower = all(item.fall and sign * item.fall.value > 0 for item in series.rungs[1:])
        trend = f"{verb}s" if lower else f"does not {verb}"
        return (
            f" The {told} {trend} from every rung to the next; "
            "without repeated seeds its error is unknown."
        )
    if all(falls):
        return f" The {told} {verb}s from every rung to the next by more than its standard error."
    names = [named(item.rung) for item in series.rungs[1:] if not item.falls]
    where = ", ".join(names) if len(names) <= MOST_NAMES else f"{len(names)} of {len(falls)} rungs"
    return f" The {told} does not {verb} by more than its standard error at {where}."


def _held(series: Series, law: str) -> int:
    held = series.hold_out(law)
    return len({item.size for item in held.predictions}) if held else 0


def below_floor(series: Series, errors: float = 2.0) -> tuple[int, int]:
    """How many points lie below the closed-form floor by `errors` errors, and of how many."""
    pairs = [
        (excess, error)
        for curve in series.excess_levels
        for excess, error in zip(curve.loss, curve.standard_error, strict=True)
    ]
    return sum(excess < -errors * error for excess, error in pairs), len(pairs)
