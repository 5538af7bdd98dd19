"""Beginning a sweep's directory, going on with it, and refusing those of others."""

import json

import pytest

from scaling.errors import InputError
from sweeps.manifest import loads
from sweeps.store import Store
from sweeps.store.prepare import prepare
from tests.sweeps.examples import SIX, make_store


def files(directory):
    return {p.relative_to(directory): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_preparing_again_changes_nothing(tmp_path):
    store = make_store(tmp_path / "s")
    before = files(store.directory)
    assert prepare(loads(SIX), store.directory, workers=2)[1] == []
    assert files(store.directory) == before


def test_the_directory_can_be_read_without_us(tmp_path):
    store = make_store(tmp_path / "s")
    assert (store.directory / "manifest.yaml").read_text() == SIX
    records = [json.loads(p.read_text()) for p in store.directory.glob("runs/*/run.json")]
    assert sorted((r["rung"], r["seed"]) for r in records) == [
        (rung, seed) for rung in ("20k", "40k", "70k") for seed in (0, 1)
    ]
    for record in records:
        assert record["flops"] == 200 * 8 * record["training_flops_per_image"]


def test_a_further_rung_keeps_the_other_runs_and_the_earlier_manifest(tmp_path):
    store = make_store(tmp_path / "s")
    before = store.sweep
    more = SIX.replace("70k]", "70k, 120k]")
    _, notices = prepare(loads(more), store.directory, workers=2)
    assert notices == [
        f"{store.directory}: the manifest has changed; the earlier one is manifest.1.yaml"
    ]
    assert (store.directory / "manifest.1.yaml").read_text() == SIX
    assert (store.directory / "manifest.yaml").read_text() == more
    assert store.sweep["runs"][:6] == before["runs"]
    assert len(store.sweep["runs"]) == 8
    kept = {tuple(cohort) for cohort in before["cohorts"]}
    assert kept < {tuple(cohort) for cohort in store.sweep["cohorts"]}, "runs were regrouped"


def test_runs_no_longer_asked_for_stay_on_disk_and_are_said(tmp_path):
    store = make_store(tmp_path / "s")
    _, notices = prepare(loads(SIX.replace("40k, ", "")), store.directory, workers=2)
    assert len(store.sweep["runs"]) == 4
    assert len(store.stray) == 2
    assert any("2 runs of an earlier manifest are kept on disk" in notice for notice in notices)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"layout": 0}, "layout 0, this one reads 1"), ({"configuration": 0}, "of version 0")],
)
def test_a_directory_of_another_version_is_refused(tmp_path, change, message):
    store = make_store(tmp_path / "s")
    path = store.directory / "sweep.json"
    path.write_text(json.dumps({**store.sweep, **change}))
    before = files(store.directory)
    with pytest.raises(InputError, match=f"written by another version.*{message}"):
        prepare(loads(SIX), store.directory, workers=2)
    assert files(store.directory) == before


def test_a_strangers_directory_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InputError, match=r"neither empty nor a sweep's directory: .*thesis.tex"):
        make_store(tmp_path)
    with pytest.raises(InputError, match=r"it has no sweep.json"):
        Store.open(tmp_path)
    with pytest.raises(InputError, match="not a directory"):
        make_store(tmp_path / "thesis.tex")
    with pytest.raises(InputError, match="no such directory"):
        Store.open(tmp_path / "nowhere")


def test_damaged_files_are_named(tmp_path):
    store = make_store(tmp_path / "s")
    (store.directory / "sweep.json").write_text('{"layout": 1,')
    with pytest.raises(InputError, match=r"sweep.json: not valid JSON"):
        Store.open(store.directory)
