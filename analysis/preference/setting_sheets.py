"""What is said of the settings of inference that people prefer."""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan

from analysis.formats import Sheet
from analysis.preference.settings import OfRun, Preferred
from analysis.preference.sheets import strength_in_words


def settings_sheet(found: Sequence[OfRun], about: Mapping[str, tuple[str, float]]) -> Sheet:
    """A row for each setting of each run, smallest run first, most preferred setting first."""
    headings = (
        *("run", "rung", "setting", "evaluations an image", "FLOPs an image"),
        *("preferred to real", "behind the best", "votes", "skipped", "prompts"),
        *("log-strength", "verdict"),
    )
    rows = tuple(
        _row(item, setting, about.get(item.run, ("", 0.0))[0])
        for item in sorted(found, key=lambda item: (about.get(item.run, ("", 0.0))[1], item.run))
        for setting in item.settings
    )
    return Sheet(title="Inference settings by people", headings=headings, rows=rows).filled()


def _row(of_run: OfRun, item: Preferred, rung: str) -> tuple[str, ...]:
    rate, cost = item.rate, item.cost
    return (
        of_run.run,
        rung,
        item.setting,
        "" if isnan(cost.evaluations) else f"{cost.evaluations:.4g}",
        "" if isnan(cost.flops) else f"{cost.flops:.3g}",
        str(rate) if rate.votes else "",
        "" if item.behind is None or isnan(item.behind.value) else str(item.behind),
        str(rate.votes),
        str(rate.skipped),
        str(rate.prompts),
        "" if item.strength is None else strength_in_words(item.strength),
        _verdict(of_run, item),
    )


def _verdict(of_run: OfRun, item: Preferred) -> str:
    if not item.as_good:
        return ""
    alone = sum(other.as_good for other in of_run.settings) == 1
    told = ["best" if item.setting == of_run.best else "not told apart"]
    if item.setting == of_run.cheapest and not alone:
        told.append("cheapest of these")
    return ", ".join(told)


def setting_sentences(found: Sequence[OfRun]) -> Iterator[str]:
    """Which setting is best of each run, and which does as well for less."""
    for item in found:
        best, *others = item.settings
        if not others:
            yield f"{item.run}: only {item.best} was voted on; a choice needs another setting."
            continue
        next_best = others[0]
        apart = "told apart from" if item.told_apart else "not told apart from"
        yield (
            f"{item.run}: people prefer {item.best}, to real images in {best.rate} of the votes; "
            f"it is {apart} the next, {next_best.setting} ({next_best.behind} behind)."
        )
        as_good = [setting for setting in item.settings if setting.as_good]
        if len(as_good) > 1:
            yield _cheapest(item, len(as_good))
    if found:
        yield (
            "The best of several is too good on average by having been chosen: its rate says which "
            "setting to take, and not how good the run is."
        )


def _cheapest(item: OfRun, count: int) -> str:
    if not item.cheapest:
        return f"Which of the {count} not told apart is the cheapest is not known."
    (cost,) = (other.cost for other in item.settings if other.setting == item.cheapest)
    return (
        f"The cheapest of the {count} not told apart is {item.cheapest}, with "
        f"{cost.evaluations:.4g} network evaluations an image."
    )
