"""Judges' verdicts that workers keep, beside people's votes on the same pairs."""

import json

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from scaling.cli.app import app
from scaling.preference.pairs import Shares, plan
from scaling.preference.pictures import load
from sweeps.pictures import archives
from sweeps.store import Store
from sweeps.verdicts import FILE, write_verdicts
from tests.preference.sweep import archive, sweep


def verdicts(directory):
    paths, _ = archives(Store.open(directory))
    write_verdicts(directory, {run: path.parent.parent for run, path in paths.items()})
    return pd.read_parquet(directory / FILE)


def test_verdicts_are_votes_on_the_pairs_that_people_see(tmp_path):
    store = sweep(tmp_path / "s", prompts=12)
    paths, _ = archives(store)
    for k, path in enumerate(paths.values()):
        archive(path, 12, k, points_eye=np.array([1.0, 0.5, 0.0] * 4))
    found = verdicts(tmp_path / "s")
    pairs = plan(load(paths), Shares(), 0)
    seen = {pair.pair: pair for pair in pairs if pair.kind == "generated_real"}
    assert set(found["pair"]) == set(seen) and set(found["rater"]) == {"eye"}
    for row in found.to_dict("records"):
        pair = seen[row["pair"]]
        assert (row["first"], row["prompt_id"]) == (pair.first, pair.prompt_id)
    assert found["choice"].value_counts().to_dict() == {"first": 12, "tie": 12, "second": 12}


def test_a_judge_is_set_beside_people(tmp_path):
    """People prefer what the judge prefers, always: accuracy 1 and no bias."""
    directory = tmp_path / "s"
    paths, _ = archives(sweep(directory, prompts=12))
    for k, path in enumerate(paths.values()):
        archive(path, 12, k, points_eye=np.array([1.0, 0.0] * 6))
    with (directory / "votes.jsonl").open("w") as file:
        for number, row in enumerate(verdicts(directory).to_dict("records")):
            told = {"vote": str(number), "rater": "anna", "rater_kind": "human", "left": "first",
                    "at": "", "seconds": None}  # fmt: skip
            file.write(json.dumps(row | told) + "\n")
    said = CliRunner().invoke(app, ["preference", str(directory)]).stdout
    assert said.count("0% ties") == 3
    result = CliRunner().invoke(app, ["preference", str(directory), "--json"])
    assert result.exit_code == 0, result.output
    (told,) = json.loads(result.stdout)["agreements"]
    assert told["judge"] == "eye" and told["pairs"] == 36
    assert told["accuracy"]["value"] == 1.0 and told["bias"]["value"] == 0.0
