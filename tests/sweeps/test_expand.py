"""Expansion of sweeps, against counts and orders that can be worked out by hand."""

import itertools

import pytest

from sweeps.manifest import load, loads
from sweeps.problems import ManifestError
from tests.sweeps.examples import BASE


def cells(sweep: str, base: str = BASE):
    manifest = loads(base + sweep)
    return [(r.config.model.rung, r.config.seed, r.config.train.batch_size) for r in manifest.runs]


def test_grid_is_every_combination_with_the_last_path_fastest():
    found = cells(
        "sweep: {grid: {model.rung: [20k, 40k], seed: [0, 1, 2], train.batch_size: [4, 8]}}"
    )
    assert found == list(itertools.product(["20k", "40k"], [0, 1, 2], [4, 8]))


def test_zip_advances_together_as_the_fastest_axis():
    found = cells(
        "sweep: {zip: {seed: [5, 6], train.batch_size: [4, 8]}, grid: {model.rung: [20k, 40k]}}"
    )
    assert found == [("20k", 5, 4), ("20k", 6, 8), ("40k", 5, 4), ("40k", 6, 8)]


def test_exclude_drops_what_matches_entirely_and_include_comes_after_it():
    sweep = """\
sweep:
  grid: {model.rung: [20k, 40k], seed: [0, 1]}
  exclude:
    - {model.rung: 40k, seed: 1}
  include:
    - {model.rung: 40k, seed: 1, train.batch_size: 16}
    - {model.rung: 1M}
"""
    assert cells(sweep) == [
        ("20k", 0, 8),
        ("20k", 1, 8),
        ("40k", 0, 8),
        ("40k", 1, 16),
        ("1M", 0, 8),
    ]


def test_exclude_sees_values_of_the_base_and_defaults():
    sweep = (
        "sweep: {grid: {seed: [0, 1]}, exclude: [{seed: 1, train.beta1: 0.9, train.steps: 200}]}"
    )
    assert [seed for _, seed, _ in cells(sweep)] == [0]


def test_exclude_may_drop_impossible_combinations():
    sweep = """\
sweep:
  grid: {model.patch_size: [2, 3], data.held_out: [0.2]}
  exclude: [{model.patch_size: 3}]
"""
    assert len(cells(sweep)) == 1


def test_include_alone_is_a_list_of_runs():
    assert [seed for _, seed, _ in cells("sweep: {include: [{seed: 3}, {seed: 4}]}")] == [3, 4]


def test_without_a_sweep_there_is_one_run():
    assert cells("") == [("20k", 0, 8)]


def test_a_whole_section_may_be_swept():
    sweep = "sweep: {grid: {diffusion.density: [{name: cosine}, {name: laplace, scale: 1}]}}"
    manifest = loads(BASE + sweep)
    assert [run.config.diffusion.density.name for run in manifest.runs] == ["cosine", "laplace"]
    assert [run.swept(manifest.swept) for run in manifest.runs] == [
        {"diffusion.density": {"name": "cosine", "location": 0.0, "scale": 1.0}},
        {"diffusion.density": {"name": "laplace", "location": 0.0, "scale": 1.0}},
    ]


def test_sweeping_inside_a_section_that_is_not_written_starts_from_its_default_variant():
    text = "model: {rung: 20k}\ntrain: {steps: 200}\nsweep: {grid: {data.size: [16, 32]}}"
    data = [run.config.data for run in loads(text).runs]
    assert [(d.source, getattr(d, "size", None)) for d in data] == [("emoji", 16), ("emoji", 32)]


def test_ids_do_not_depend_on_the_spelling():
    plain = loads(BASE + "sweep: {grid: {train.learning_rate: [1], seed: [3]}}")
    other = loads(
        "sweep: {include: [{model.rung: 20k, train.steps: 200}]}\n"
        "seed: 0x3\n"
        "train: {learning_rate: 1.0e0, batch_size: 8}\n"
        "model: {'patch_size': 2, family: dit}\n"
        "data: {held_out: 2e-1, source: digits}\n"
        "fit: {hold_out: 0}\nname: other\n"
    )
    assert [run.id for run in plain.runs] == [run.id for run in other.runs]


def test_different_configurations_have_different_ids():
    manifest = loads(BASE + "sweep: {grid: {seed: [0, 1], train.beta1: [0.8, 0.9]}}")
    assert len({run.id for run in manifest.runs}) == 4


def test_repeated_runs_are_trained_once_and_said():
    manifest = loads(BASE + "sweep: {grid: {seed: [0, 1]}, include: [{seed: 1}]}")
    assert len(manifest.runs) == 2
    assert manifest.notices == (
        "manifest.yaml: 1 of 3 runs repeat another's configuration; trained once",
    )


def test_heads_of_several_widths_are_said_where_mup_wants_one():
    text = BASE + "sweep: {grid: {model.rung: [20k, 40k, 70k]}}\n"
    mup = text.replace("steps: 200", "steps: 200, transfer: {rule: mup, base_width: 20}")
    assert loads(text).notices == ()
    assert loads(mup).notices == (
        "manifest.yaml: train.transfer.rule mup holds where all sizes have heads of one width; "
        "these have 20 channels (20k), 24 channels (40k), 36 channels (70k): give a ladder that "
        "keeps it, e.g. {rule: {sizes: [1, 2, 4], depth: 3, width: 24 * n, heads: n}}",
    )


@pytest.mark.parametrize("name", ["coordinate_check", "learning_rates"])
def test_the_shipped_ladders_for_mup_keep_one_head_width(name):
    assert load(name).notices == ()


@pytest.mark.parametrize("value", ["true", "'0'"])
def test_exclude_does_not_confuse_types(value):
    with pytest.raises(ManifestError, match="drops no run"):
        loads(BASE + f"sweep: {{grid: {{seed: [0, 1]}}, exclude: [{{seed: {value}}}]}}")
