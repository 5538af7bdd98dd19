"""docs/schedules.md: a user's own functions, through a manifest."""

import re
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

import sweeps
from models.diffusion.process import Process
from scaling import build
from scaling.cli.schedule_sheets import summary
from scaling.measure.drawing import network_evaluations, sampler_of
from scaling.schedules import profile
from tests.scaling.conftest import rows_of

PAGE = (Path(__file__).parents[2] / "docs" / "schedules.md").read_text()
CODE, MANIFEST, IMPLIED = re.findall(r"```(?:python|yaml)\n(.*?)```", PAGE, re.DOTALL)
SMALL = {
    "train: {steps: 600, batch_size: 32}": "train: {steps: 4, batch_size: 8}",
    "  samples: {": "  horizons: {first: 4, count: 1}\n  log_snr: [-2, 0, 2]\n"
    "  held_out_examples: 8\n  train_examples: 0\n  samples: {count: 2, steps: 3, ",
}


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """The page's manifest as a run's configuration, made small."""
    monkeypatch.chdir(tmp_path)
    Path("mine.py").write_text(CODE)

    def of(text):
        for old, new in SMALL.items():
            assert old in text
            text = text.replace(old, new)
        Path("mine.yaml").write_text(text)
        (run,) = sweeps.load("mine.yaml").runs
        return run.config

    return of


def test_each_function_of_the_page_is_what_the_manifest_builds(loaded):
    config = loaded(MANIFEST)
    process = build.process(config.diffusion)
    assert isinstance(process, Process)
    levels = jnp.linspace(-9.0, 9.0, 19)
    snr = process.alpha(levels) ** 2 / process.sigma(levels) ** 2
    assert_allclose(jnp.log(snr), levels, atol=1e-5)
    assert_allclose(process.log_snr(process.time(levels)), levels, atol=1e-5)
    found = profile(config, "mine")
    assert_allclose(found.density, (found.log_snr + 11) / 220, atol=0.003)
    w = np.exp(-0.25 * found.log_snr) * found.density
    assert_allclose(found.weighting, w / w.max(), rtol=1e-4)
    assert network_evaluations(config.measure.samples) == 6
    assert sampler_of(config.measure.samples).evaluations(7) == 7
    assert "mine.py:tilt" in summary([found]).rows[0][2]


def test_a_whole_weighting_of_a_file_is_what_trains(loaded):
    implied = IMPLIED.strip().removeprefix("diffusion: {").removesuffix("}")
    found = profile(loaded(re.sub(r"weighting: .*", implied, MANIFEST)), "cut")
    w = 1 / (1 + np.exp(found.log_snr - 1))
    assert_allclose(found.weighting, w / w.max(), rtol=2e-3)
    assert found.monotone


@pytest.mark.slow
def test_a_run_trains_and_samples_with_them(loaded, train):
    (directory,), (outcome,) = train(loaded(MANIFEST))
    assert outcome.status == "finished"
    assert np.isfinite([row["value"] for row in rows_of(directory)]).all()
    assert list((directory / "samples").iterdir())
