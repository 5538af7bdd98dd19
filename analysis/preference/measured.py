"""People's votes as measurements of the runs that they are on, so that laws fit them."""

from pathlib import Path

import pandas as pd

from analysis.directory import VERDICTS, VOTES
from analysis.preference.outcomes import REAL
from analysis.preference.rates import rates_by_run
from analysis.preference.votes import read
from analysis.table.model import STANDARD

PEOPLE = "win_rate_people"
"""The metric: how often people prefer the run's images to real ones."""
COPIED = (
    *("run", "rung", "seed", "width", "depth", "learning_rate", "transfer"),
    *("parameters", "parameters_non_embedding", "steps", "images", "flops", "status"),
)


def with_votes(frame: pd.DataFrame, votes: pd.DataFrame) -> pd.DataFrame:
    """`frame` and a row for each finished run that people voted on, at its last horizon."""
    rows = []
    own = set(COPIED) | set(swept(frame))
    for run, found in rates_by_run(votes[votes["rater_kind"] == "human"]):
        of_run = frame[frame["run"].astype(str) == run]
        if of_run.empty or not found.votes:
            continue
        last = of_run.iloc[int(of_run["steps"].to_numpy().argmax())]
        protocols = sorted(set(votes.loc[votes["first"] == run, "protocol"].astype(str)))
        rows.append(
            {name: last[name] for name in frame.columns if name in own}
            | {
                "weights": sampled(of_run),
                "split": "held_out",
                "metric": PEOPLE,
                "value": found.value,
                "standard_error": found.standard_error,
                "count": found.votes,
                "protocol": "votes " + "+".join(protocols),
            }
        )
    if not rows:
        return frame
    added = pd.DataFrame(rows)
    for name in set(added.columns) & set(frame.columns):
        added[name] = added[name].astype(frame[name].dtype)
    return pd.concat([frame, added], ignore_index=True)


def swept(frame: pd.DataFrame) -> list[str]:
    """Columns that a manifest's sweep added."""
    return [name for name in frame.columns if name not in STANDARD]


def sampled(rows: pd.DataFrame) -> str:
    """The weights whose images were voted on: averaged ones where the run has them."""
    names = [str(name) for name in rows["weights"].unique() if str(name) not in ("raw", REAL)]
    return names[0] if names else "raw"


def votes_of(directory: Path) -> pd.DataFrame:
    """The votes kept in a sweep's directory; TableError where there are none."""
    return read(directory / VOTES)


def with_judges(votes: pd.DataFrame, directory: Path) -> pd.DataFrame:
    """And the verdicts that judges gave on the same runs' pictures, where they were collected."""
    path = directory / VERDICTS
    if not path.is_file():
        return votes
    return pd.concat([votes, pd.read_parquet(path).reindex(columns=votes.columns)])
