"""Judges' verdicts on a sweep's pairs in the form of votes, to be set beside people's.

verdicts.parquet is a cache: it is made again from the archives of pictures below `runs/`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.files import replacing
from sweeps.pictures import archive_of

if TYPE_CHECKING:
    import pandas as pd

FILE = "verdicts.parquet"
POINTS = "points_"
"""How the arrays of an archive begin that hold a judge's points for each pair."""


def write_verdicts(directory: Path, attempts: Mapping[str, Path]) -> None:
    """A vote of every judge on every run's image against the real one; no file without any.

    `attempts` are the directories of the finished attempts, by run id.
    """
    path = directory / FILE
    kept = {run: archive_of(attempt) for run, attempt in attempts.items()}
    found = [frame for run, file in kept.items() if file for frame in _of_run(run, file)]
    if not found:
        path.unlink(missing_ok=True)
        return
    import pandas as pd

    with replacing(path) as draft:
        pd.concat(found, ignore_index=True).to_parquet(draft, index=False)


def _of_run(run: str, path: Path) -> "list[pd.DataFrame]":
    """A table for each judge, in the columns of `analysis.preference.votes`."""
    import numpy as np
    import pandas as pd

    from scaling.preference.pair import pair_id

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
        judged = {name: archive[name] for name in archive.files if name.startswith(POINTS)}
    choices = {
        name: np.select([points > 0.5, points < 0.5], ["first", "second"], "tie")
        for name, points in judged.items()
    }
    return [
        pd.DataFrame(about | {"rater": name.removeprefix(POINTS), "choice": choice})
        for name, choice in choices.items()
    ]
