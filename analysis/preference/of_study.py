"""People's votes beside the study of the sweep that they are on."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.directory import VERDICTS, VOTES
from analysis.formats import Sheet
from analysis.preference import setting_sheets as of_settings
from analysis.preference import sheets
from analysis.preference.measured import votes_of, with_judges
from analysis.preference.settings import Cost, OfRun, costs_of, preferred_settings
from analysis.preference.study import Preferences, preferences

if TYPE_CHECKING:
    from analysis.study import Study

NOTHING = Sheet(title="", headings=(), rows=())


@dataclass(frozen=True, kw_only=True)
class Said:
    """What votes say of runs, and of the settings of each."""

    of_runs: Preferences
    of_settings: tuple[OfRun, ...]


def said_of(study: "Study") -> Said | None:
    """What the votes in the sweep's directory say; None without any on images of runs."""
    table = study.series[0].table if study.series else None
    if table is None or table.directory is None or not (table.directory / VOTES).is_file():
        return None
    paths = [table.directory / name for name in (VOTES, VERDICTS)]
    states = [path.stat() for path in paths if path.is_file()]
    costs = tuple(costs_of(table.tried).items())
    found = _of_files(table.directory, tuple((s.st_mtime_ns, s.st_size) for s in states), costs)
    return found if found.of_runs.rates or found.of_settings else None


@lru_cache(maxsize=4)
def _of_files(
    directory: Path,
    _states: tuple[tuple[int, int], ...],
    costs: tuple[tuple[tuple[str, str], Cost], ...],
) -> Said:
    votes = votes_of(directory)
    return Said(
        of_runs=preferences(with_judges(votes, directory)),
        of_settings=tuple(preferred_settings(votes, dict(costs))),
    )


def _about(study: "Study") -> dict[str, tuple[str, float]]:
    """Rung and size of each run."""
    return sheets.about_runs(study.series[0].table.frame)


def rates_sheet(study: "Study") -> Sheet:
    """A row for each run that people voted on."""
    found = said_of(study)
    return NOTHING if found is None else sheets.rates_sheet(found.of_runs, _about(study))


def settings_sheet(study: "Study") -> Sheet:
    """A row for each inference setting of a run that people voted on."""
    found = said_of(study)
    return (
        NOTHING if found is None else of_settings.settings_sheet(found.of_settings, _about(study))
    )


def raters_sheet(study: "Study") -> Sheet:
    """A row for each rater."""
    found = said_of(study)
    return NOTHING if found is None else sheets.raters_sheet(found.of_runs)


def agreement_sheet(study: "Study") -> Sheet:
    """A row for each judge that voted on the same pairs."""
    found = said_of(study)
    return NOTHING if found is None else sheets.agreement_sheet(found.of_runs)


def sentences(study: "Study") -> list[str]:
    """What the tables do not say."""
    found = said_of(study)
    return [] if found is None else sheets.sentences(found.of_runs)


def settings_sentences(study: "Study") -> list[str]:
    """Which setting people prefer of each run."""
    found = said_of(study)
    return [] if found is None else list(of_settings.setting_sentences(found.of_settings))
