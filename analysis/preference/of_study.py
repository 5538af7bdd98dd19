"""People's votes beside the study of the sweep that they are on."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.directory import VERDICTS, VOTES
from analysis.formats import Sheet
from analysis.preference import sheets
from analysis.preference.measured import votes_of, with_judges
from analysis.preference.study import Preferences, preferences

if TYPE_CHECKING:
    from analysis.study import Study

NOTHING = Sheet(title="", headings=(), rows=())


def said_of(study: "Study") -> Preferences | None:
    """What the votes in the sweep's directory say; None without any."""
    directory = study.series[0].table.directory if study.series else None
    if directory is None or not (directory / VOTES).is_file():
        return None
    states = [path.stat() for name in (VOTES, VERDICTS) if (path := directory / name).is_file()]
    found = _of_files(directory, tuple((s.st_mtime_ns, s.st_size) for s in states))
    return found if found.rates else None


@lru_cache(maxsize=4)
def _of_files(directory: Path, _states: tuple[tuple[int, int], ...]) -> Preferences:
    return preferences(with_judges(votes_of(directory), directory))


def rates_sheet(study: "Study") -> Sheet:
    """A row for each run that people voted on."""
    found = said_of(study)
    if found is None:
        return NOTHING
    runs = study.series[0].table.frame.drop_duplicates("run")
    told = zip(runs["run"], runs["rung"], runs["parameters"], strict=True)
    return sheets.rates_sheet(found, {str(run): (str(rung), float(n)) for run, rung, n in told})


def raters_sheet(study: "Study") -> Sheet:
    """A row for each rater."""
    found = said_of(study)
    return NOTHING if found is None else sheets.raters_sheet(found)


def agreement_sheet(study: "Study") -> Sheet:
    """A row for each judge that voted on the same pairs."""
    found = said_of(study)
    return NOTHING if found is None else sheets.agreement_sheet(found)


def sentences(study: "Study") -> list[str]:
    """What the tables do not say."""
    found = said_of(study)
    return [] if found is None else sheets.sentences(found)
