"""Every mistake in a manifest gets its exact line, column, and what would be right."""

import pytest

from scaling.errors import InputError
from sweeps.manifest import load, loads
from sweeps.problems import ManifestError

GOOD = """\
data:
  source: digits
model:
  rung: 20k
  patch_size: 2
train:
  steps: 200
"""

MISTAKES = {
    "mistyped key": (
        GOOD.replace("patch_size", "patch_sise"),
        "5:3: model.patch_sise: unknown key; did you mean 'patch_size'?",
    ),
    "mistyped key of one variant": (
        GOOD + "measure:\n  importance:\n    name: laplace\n    scle: 1\n",
        "11:5: measure.importance.scle: unknown key; did you mean 'scale'?",
    ),
    "mistyped section": (
        GOOD.replace("model:", "modl:"),
        "3:1: modl: unknown key; did you mean 'model'?",
    ),
    "key of another section": (
        GOOD.replace("patch_size: 2", "ema: [0.1]"),
        "5:3: model.ema: unknown key; there is 'train.ema'",
    ),
    "wrong type": (
        GOOD.replace("200", "sixty"),
        "7:10: train.steps: must be a whole number, not 'sixty'",
    ),
    "whole number as a float": (
        GOOD.replace("200", "1e3"),
        "7:10: train.steps: must be a whole number, not 1000.0; write 1000",
    ),
    "yes is text in YAML 1.2": (
        "data: {source: emoji, augment: {flip: yes}}\nmodel: {rung: 20k}\ntrain: {steps: 200}\n",
        "1:39: data.augment.flip: must be true or false, not 'yes'",
    ),
    "key of an engine's settings": (
        GOOD + "engine:\n  name: slurm\n  slurm:\n    partiton: gpu\n",
        "11:5: engine.slurm.partiton: unknown key; did you mean 'partition'?",
    ),
    "memory of a job": (
        GOOD + "engine: {slurm: {mem: 32 gigabytes}}\n",
        "8:23: engine.slurm.mem: must be a whole number and K, M, G or T, as in 32G, "
        "not '32 gigabytes'",
    ),
    "unknown engine": (
        GOOD + "engine: {name: slrum}\n",
        "8:16: engine.name: must be 'local', 'slurm', 'ray' or 'command', not 'slrum'; "
        "did you mean 'slurm'?",
    ),
    "item of a list": (
        GOOD + "  ema: [0.1, wide]\n",
        "8:14: train.ema[1]: must be a number, not 'wide'",
    ),
    "out of bounds": (
        GOOD.replace("200", "0"),
        "7:10: train.steps: must be at least 1, not 0",
    ),
    "unknown choice": (
        GOOD + "  schedule: constnat\n",
        "8:13: train.schedule: must be 'constant', 'warmup_stable_decay' or 'inverse_sqrt', "
        "not 'constnat'; did you mean 'constant'?",
    ),
    "a rate that falls from no step": (
        GOOD + "  schedule: inverse_sqrt\n",
        "8:13: train.schedule: schedule inverse_sqrt and reference_steps, from which the rate "
        "falls, go together",
    ),
    "unknown variant": (
        GOOD.replace("digits", "digit"),
        "2:11: data.source: must be 'emoji', 'digits', 'mixture', 'latents' or 'files', "
        "not 'digit'; did you mean 'digits'?",
    ),
    "no variant": (
        "data: {held_out: 0.1}\nmodel: {rung: 20k}\ntrain: {steps: 200}\n",
        "1:1: data.source: is missing; one of 'emoji', 'digits', 'mixture', 'latents' or 'files'",
    ),
    "missing": (
        GOOD.replace("steps: 200", "batch_size: 32"),
        "6:1: train.steps: is missing, and no sweep sets it",
    ),
    "no size": (
        GOOD.replace("  rung: 20k\n", ""),
        "3:1: model.rung: give a rung of the dit ladder: 20k, 40k, 70k, 120k, 250k, 450k, "
        "1M, 2M, 4M, 11M, S, B, L, XL; a size of your own needs depth, width and heads",
    ),
    "size not on the ladder": (
        GOOD.replace("20k", "w13"),
        "4:9: model.rung: rung 'w13' is not on the dit ladder: 20k, 40k, 70k, 120k, 250k, 450k, "
        "1M, 2M, 4M, 11M, S, B, L, XL; a size of your own needs depth, width and heads",
    ),
    "impossible combination": (
        GOOD.replace("patch_size: 2", "patch_size: 3"),
        "5:15: model.patch_size: 3 does not divide the image size 8",
    ),
    "a rule that the family does not follow": (
        GOOD.replace("  rung", "  family: edm2\n  rung")
        + "  transfer: {rule: mup, base_width: 7}\n",
        "9:20: train.transfer.rule: mup is for weights that are used as they stand, and edm2 "
        "normalises them: there, inverse_sqrt_width does the same",
    ),
    "limits out of order": (
        GOOD + "diffusion:\n  log_snr_min: 11\n",
        "9:16: diffusion.log_snr_min: log_snr_min (11.0) must lie below log_snr_max (10.0)",
    ),
    "repeated key": (
        GOOD + "  steps: 3\n",
        "8:3: train.steps: repeated key; it stands on line 7",
    ),
    "broken YAML": (GOOD + "sweep: [\n", "9:1: not valid YAML: "),
    "empty": ("", "1:1: the file is empty"),
    "not a mapping": ("- 1\n", "1:1: must be a mapping of sections"),
    "unknown path": (
        GOOD + "sweep: {grid: {train.learning_rte: [1]}}\n",
        "8:16: train.learning_rte: unknown path; did you mean 'train.learning_rate'?",
    ),
    "leaf without its section": (
        GOOD + "sweep: {zip: {learning_rate: [1]}}\n",
        "8:15: learning_rate: unknown path; did you mean 'train.learning_rate'?",
    ),
    "unknown path in exclude": (
        GOOD + "sweep:\n  grid: {seed: [0, 1]}\n  exclude:\n    - {sead: 1}\n",
        "11:8: sead: unknown path; did you mean 'seed'?",
    ),
    "wrong value in a grid": (
        GOOD + "sweep:\n  grid:\n    train.beta1: [0.8, fast]\n",
        "10:24: train.beta1: must be a number, not 'fast' (in 1 of 2 runs)",
    ),
    "wrong value in a zip": (
        GOOD + "sweep:\n  zip:\n    train.beta1: [0.8, 2]\n    seed: [0, 1]\n",
        "10:24: train.beta1: must be less than 1.0, not 2 (in 1 of 2 runs)",
    ),
    "wrong value in an include": (
        GOOD + "sweep:\n  include:\n    - model.rung: 40k\n      seed: -1\n",
        "11:13: seed: must be at least 0, not -1",
    ),
    "zip of unequal lengths": (
        GOOD + "sweep:\n  zip: {seed: [0, 1], model.rung: [20k]}\n",
        "9:3: sweep.zip: lists must be of equal length: seed has 2, model.rung has 1",
    ),
    "empty list": (
        GOOD + "sweep: {grid: {seed: []}}\n",
        "8:16: seed: an empty list leaves no run",
    ),
    "no list": (
        GOOD + "sweep: {grid: {seed: 3}}\n",
        "8:22: sweep.grid.seed: must be a list, not 3",
    ),
    "exclude drops nothing": (
        GOOD + "sweep:\n  grid: {seed: [0, 1]}\n  exclude:\n    - {seed: 2}\n",
        "11:7: sweep.exclude: drops no run: none has seed = 2",
    ),
    "exclude drops all": (
        GOOD + "sweep: {grid: {seed: [0]}, exclude: [{seed: 0}]}\n",
        "8:1: sweep: exclude leaves no run",
    ),
    "overlapping paths": (
        GOOD + "sweep: {grid: {diffusion.density: [{name: cosine}], "
        "diffusion.density.name: [laplace]}}\n",
        "8:53: diffusion.density.name: overlaps with 'diffusion.density', swept as well",
    ),
    "engine": (
        GOOD + "engine: {workers: many}\n",
        "8:19: engine.workers: must be a whole number of at least 1, or 'auto', not 'many'",
    ),
    "known": (
        GOOD + "fit: {known: {E: [0.1]}}\n",
        "8:18: fit.known.E: must be a number, or a list of it and its standard error, not [0.1]",
    ),
    "fit": (
        GOOD + "fit: {holdout: 2}\n",
        "8:7: fit.holdout: unknown key; did you mean 'hold_out'?",
    ),
    "date": (
        GOOD + "name: 2026-11-22\n",
        "8:7: name: a timestamp has no meaning here; quote it to mean text",
    ),
    "alias of itself": (
        GOOD + "sweep: &a {grid: *a}\n",
        "8:8: sweep.grid: an alias must not contain itself",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_message(name):
    text, message = MISTAKES[name]
    with pytest.raises(ManifestError) as caught:
        loads(text, file="m.yaml")
    lines = str(caught.value).splitlines()
    assert any(line.startswith(f"m.yaml:{message}") for line in lines), "\n".join(lines)
    if name != "mistyped section":  # a section that is missing is said as well
        assert len(lines) == 1


def test_every_mistake_is_collected_in_the_order_of_the_file():
    text = GOOD.replace("20k", "w13").replace("200", "0") + "sead: 1\nengine: {nam: local}\n"
    with pytest.raises(ManifestError) as caught:
        loads(text)
    assert [problem.line for problem in caught.value.problems] == [7, 8, 9]


def test_a_mistake_in_the_base_is_said_once_however_many_runs_share_it():
    sweep = "sweep: {grid: {seed: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}}\n"
    with pytest.raises(ManifestError) as caught:
        loads(GOOD.replace("200", "0") + sweep)
    assert len(caught.value.problems) == 1


def test_more_mistakes_than_a_screen_are_counted():
    text = GOOD + "".join(f"key{i}: 1\n" for i in range(50))
    with pytest.raises(ManifestError) as caught:
        loads(text)
    lines = str(caught.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "... and 30 more"


def test_merge_keys_and_aliases_are_read():
    text = "train: &t {steps: 200}\nmodel: {rung: 20k}\nfit: {<<: {hold_out: 2}, seed: 1}\n"
    manifest = loads(text)
    assert (manifest.fit.hold_out, manifest.fit.seed) == (2, 1)


def test_a_shipped_manifest_is_found_by_its_bare_name():
    assert load("quickstart").name == "quickstart"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("quikstart", "no manifest 'quikstart' .*; did you mean 'quickstart'?"),
        ("nowhere/m.yaml", "nowhere/m.yaml: no such file"),
    ],
)
def test_unknown_manifest(name, message):
    with pytest.raises(InputError, match=message):
        load(name)


def test_a_directory_or_a_binary_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        load(tmp_path)
    (tmp_path / "m.yaml").write_bytes(b"name: \xff\xfe")
    with pytest.raises(InputError, match="not UTF-8 text"):
        load(tmp_path / "m.yaml")
