"""What is said of how often judges prefer generated images to real ones."""

from collections.abc import Iterator

import pandas as pd

from analysis.directory import VERDICTS
from analysis.formats import Sheet
from analysis.laws.suited import RATES, is_rate
from analysis.sample_metrics import SampleMetric
from analysis.sample_sheets import sheet_of
from analysis.study import Series

HALF = 0.5
"""The rate at which two images are preferred that nothing sets apart."""

WHAT = {
    "real_or_generated": "a classifier, cross-fitted, that learnt to tell generated images from "
    "real ones",
    "caption_match": "how well an image fits its caption, as learnt from training images",
    "clip_score": "how well an image fits its caption, by CLIP",
    "pickscore": "what people picked of images made for one prompt",
    "hps_v2": "how people ranked images made for one prompt",
    "hps_v2_1": "how people ranked images made for one prompt",
    "brisque": "how natural a photograph looks, whatever its caption",
}
"""What the judges known here go by."""


def rates_of(series: Series) -> tuple[SampleMetric, ...]:
    """Of every judge along the ladder."""
    return tuple(item for item in series.sample_metrics if is_rate(item.metric))


def judge_of(item: SampleMetric) -> str:
    """The judge's name, in words."""
    return item.metric.removeprefix(RATES).replace("_", " ")


def proxies_sheet(series: Series) -> Sheet:
    """A row for each rung, and one for real images in the generated ones' place."""
    title = "How often proxies prefer generated images to real ones"
    return sheet_of(rates_of(series), title, judge_of)


def proxies_sentences(series: Series) -> Iterator[str]:
    """That judges are no people, what each goes by, and what the table does not say by itself."""
    found = rates_of(series)
    if not found:
        return
    told = "; ".join(
        f"{judge_of(item)}: {WHAT[name]}"
        for item in found
        if (name := item.metric.removeprefix(RATES)) in WHAT
    )
    about = f" ({told})" if told else ""
    yield (
        f"These are proxies, not people: programs that say which image of a pair is better{about}. "
        "How far people agree with them is not known from these numbers."
    )
    for item in found:
        yield from _of(item)
    ties = tie_rates(series)
    if ties:
        told = ", ".join(f"{name} {share:.0%}" for name, share in ties.items())
        yield f"Ties, which count half, among the verdicts on the pairs that were kept: {told}."


def tie_rates(series: Series) -> dict[str, float]:
    """By judge, in words: how often it calls two images equal, of the pairs that runs keep."""
    directory = series.table.directory
    if directory is None or not (directory / VERDICTS).is_file():
        return {}
    votes = pd.read_parquet(directory / VERDICTS)
    mine = votes[votes["first"].isin(series.table.frame["run"].astype(str))]
    return {
        str(judge).replace("_", " "): float((own["choice"] == "tie").mean())
        for judge, own in mine.groupby("rater")
    }


def _of(item: SampleMetric) -> Iterator[str]:
    name, control = judge_of(item), item.control
    sound = control.low <= HALF <= control.high
    where = "lies in the interval" if sound else "lies outside: do not trust this judge here"
    yield (
        f"{name}: real images against real ones win {control} of the time; the truth is one half, "
        f"which {where}."
    )
    never = [rung.rung for rung in item.rungs if rung.mean.value == 0]
    if len(never) == len(item.rungs):
        yield (
            f"{name}: it knows the generated image of every pair at every rung, so that it does "
            "not tell rungs apart; larger or longer trained models are needed before it says more."
        )
    equal = [rung.rung for rung in item.rungs if rung.mean.high >= HALF]
    if equal:
        yield f"{name}: {item.samples} pairs do not tell {', '.join(equal)} from real images."
