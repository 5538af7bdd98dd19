"""Votes on one run's images under several settings of inference: sources of their own."""

import pandas as pd

SOURCE = r"[0-9a-f]{12}@.+"
"""What votes call a run's images under a setting: its id, and the setting's name."""


def of_settings(votes: pd.DataFrame) -> pd.Series:
    """Whether each vote is on images of a run under a setting, on either side."""
    return _is_setting(votes["first"]) | _is_setting(votes["second"])


def of_runs(votes: pd.DataFrame) -> pd.DataFrame:
    """The votes on runs as they are measured, and on ground truth alone."""
    return votes[~of_settings(votes)]


def run_and_setting(source: str) -> tuple[str, str]:
    """What a source of such votes stands for."""
    run, _, setting = source.partition("@")
    return run, setting


def _is_setting(sources: pd.Series) -> pd.Series:
    return sources.astype(str).str.fullmatch(SOURCE)
