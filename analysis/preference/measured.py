"""People's votes as measurements of the runs that they are on, so that laws fit them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.directory import ASKED, VERDICTS, VOTES
from analysis.preference.clusters import ENOUGH_RATERS
from analysis.preference.outcomes import POINTS, Array, against_real, outcomes
from analysis.preference.rates import rates_by_run
from analysis.preference.setting_votes import of_runs
from analysis.preference.votes import read
from analysis.table.model import STANDARD
from analysis.uncertainty.shared import COLUMN, loadings

PEOPLE = "win_rate_people"
"""The metric: how often people prefer the run's images to real ones."""
UNKNOWN = "unknown"
"""The protocol of votes that say none, as of a table from elsewhere."""
COPIED = (
    *("run", "rung", "seed", "width", "depth", "learning_rate", "transfer"),
    *("parameters", "parameters_non_embedding", "steps", "images", "flops", "status"),
)


def with_votes(
    frame: pd.DataFrame, votes: pd.DataFrame, asked: Mapping[str, Any] | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """`frame` and a row for each finished run that people voted on, at its last horizon.

    And the protocols of these rows, by name, as far as `asked` knows what was asked, by hash.
    """
    asked, rows, protocols = asked or {}, [], dict[str, Any]()
    own = set(COPIED) | set(swept(frame))
    people = against_real(of_runs(votes[votes["rater_kind"] == "human"]))
    for run, found in rates_by_run(people):
        of_run = frame[frame["run"].astype(str) == run]
        if of_run.empty or not found.votes:
            continue
        last = of_run.iloc[int(of_run["steps"].to_numpy().argmax())]
        hashes = sorted(set(people.loc[people["first"] == run, "protocol"].astype(str)))
        of_these = {each or UNKNOWN: asked.get(each) for each in hashes}
        name = "votes " + "+".join(of_these)
        protocols[name] = protocol = described(of_these)
        weights = protocol.get("weights")
        rows.append(
            {column: last[column] for column in frame.columns if column in own}
            | {
                "weights": weights if isinstance(weights, str) else sampled(of_run),
                "split": "held_out",
                "metric": PEOPLE,
                "value": found.value,
                "standard_error": found.standard_error,
                "count": found.votes,
                "protocol": name,
            }
        )
    if not rows:
        return frame, {}
    added = pd.DataFrame(rows)
    added[COLUMN] = shared_errors(people, list(added["run"].astype(str)))
    for name in set(added.columns) & set(frame.columns):
        added[name] = added[name].astype(frame[name].dtype)
    return pd.concat([frame, added], ignore_index=True), protocols


def shared_errors(people: pd.DataFrame, runs: Sequence[str]) -> Array:
    """How far the errors that rates of `runs` [k] have in common move each: of who and what voted.

    Prompts are a sample of more, and so are raters where there are enough: their covariances add
    up, as the variances of `clusters.intervals` do, and no vote is on two runs.
    """
    votes = people[people["first"].isin(runs) & people["choice"].isin(list(POINTS))]
    place = votes["first"].map({run: i for i, run in enumerate(runs)}).to_numpy(np.intp)
    found = outcomes(votes)
    together = np.zeros((len(runs), len(runs)))
    for cluster, fewest in ((found.prompt, 2), (found.rater, ENOUGH_RATERS)):
        clusters = len(np.unique(cluster))
        if clusters >= fewest:
            points, count = np.zeros((2, clusters, len(runs)))
            np.add.at(points, (cluster, place), found.points)
            np.add.at(count, (cluster, place), 1.0)
            total = count.sum(axis=0)
            moved = (points - points.sum(axis=0) / total * count) / total
            together += moved.T @ moved * clusters / (clusters - 1)
    return loadings(together)


def described(asked: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """What votes of some protocols, by hash, were on, as one: a field that differs has all values.

    Those of which nothing is known are named in a field of their own.
    """
    told = [
        {**{k: v for k, v in each.items() if k != "samples"}, **each["samples"][0]}
        for each in asked.values()
        if each
    ]
    fields = dict.fromkeys(name for each in told for name in each)
    found = {name: _distinct([each.get(name) for each in told]) for name in fields}
    strange = [name for name, each in asked.items() if not each]
    return found | ({f"not in {ASKED}": strange} if strange else {})


def _distinct(values: list[Any]) -> Any:
    once = [value for i, value in enumerate(values) if value not in values[:i]]
    return once[0] if len(once) == 1 else once


def asked_of(directory: Path) -> dict[str, Any]:
    """What people were asked, by the hash that votes carry; {} where pairs were never written."""
    path = directory / ASKED
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def swept(frame: pd.DataFrame) -> list[str]:
    """Columns that a manifest's sweep added."""
    return [name for name in frame.columns if name not in STANDARD]


def sampled(rows: pd.DataFrame) -> str:
    """The weights whose images are voted on: the first average where the run has any."""
    names = [str(name) for name in rows["weights"].unique() if str(name).startswith("ema")]
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
