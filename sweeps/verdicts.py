"""Judges' verdicts on a sweep's pairs, in the form of votes, to be set beside people's."""

from pathlib import Path

import numpy as np
import pandas as pd

POINTS = "points_"
"""How the arrays of an archive begin that hold a judge's points for each pair."""


def judge_votes(directory: Path) -> pd.DataFrame:
    """A vote of every judge on every run's image against the real one; empty without pictures."""
    from analysis.preference.vote_columns import COLUMNS
    from scaling.errors import InputError
    from scaling.preference.pair import pair_id
    from sweeps.pictures import archives
    from sweeps.store import Store

    try:
        paths, _ = archives(Store.open(directory))
    except InputError:
        return pd.DataFrame(columns=list(COLUMNS))
    frames = []
    for run, path in paths.items():
        with np.load(path) as archive:
            ids = [str(number) for number in archive["ids"].tolist()]
            about = {
                "pair": [pair_id("generated_real", number, run, "real") for number in ids],
                "prompt_id": ids,
                "prompt": archive["captions"],
                "kind": "generated_real",
                "first": run,
                "second": "real",
                "rater_kind": "judge",
                "protocol": "",
            }
            for name in archive.files:
                if name.startswith(POINTS):
                    choice = np.select(
                        [archive[name] > 0.5, archive[name] < 0.5], ["first", "second"], "tie"
                    )
                    told = about | {"rater": name.removeprefix(POINTS), "choice": choice}
                    frames.append(pd.DataFrame(told))
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return found.reindex(columns=list(COLUMNS))
