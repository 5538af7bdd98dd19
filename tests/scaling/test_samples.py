"""Sampling a cohort: what the images do not depend on, and what is recorded of them."""

import json
import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

from scaling import build
from scaling.config import SampleConfig
from scaling.data.source import load
from scaling.measure import samples as sampling
from scaling.measure.drawing import levels_of, sampler_of
from scaling.measure.samples import description, make_sampler
from scaling.train import sharding
from tests.scaling.conftest import tiny

CONFIG = tiny(model__rung="20k")
STOCHASTIC = SampleConfig.model_validate({"sampler": {"name": "ancestral"}, "steps": 3})
CAPTIONS = [""] * 5


@pytest.fixture(scope="module")
def source():
    return load(CONFIG.data)


def network(seed):
    """Parameters with a run axis; moved, for a fresh network predicts nothing but zeros."""
    fresh = build.network(CONFIG).init(jax.random.key(seed))
    return jax.tree.map(lambda leaf: (leaf + 0.02)[None], fresh)


def test_images_do_not_depend_on_the_blocks_they_are_sampled_in(source, monkeypatch):
    whole = make_sampler(CONFIG, source, STOCHASTIC, CAPTIONS)(network(0))
    assert whole.shape == (1, 5, 4, 4, 1)
    assert np.abs(whole[0, 0] - whole[0, 1]).max() > 0.1
    monkeypatch.setattr(sampling, "IMAGES_AT_ONCE", 2)
    blocks = make_sampler(CONFIG, source, STOCHASTIC, CAPTIONS)(network(0))
    assert_allclose(blocks, whole, atol=1e-4)


def test_eight_devices_sample_what_one_does(source, tmp_path):
    path = tmp_path / "images.npy"
    settings = {"XLA_FLAGS": "--xla_force_host_platform_device_count=8", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "tests.scaling.test_samples", str(path)]
    subprocess.run(command, env=os.environ | settings, check=True)
    sampler = make_sampler(CONFIG, source, STOCHASTIC, CAPTIONS)
    alone = np.concatenate([sampler(network(seed)) for seed in (0, 1)])
    assert_allclose(np.load(path), alone, atol=1e-4)


def test_a_network_guided_by_itself_samples_as_without_guidance(source):
    alone = STOCHASTIC.model_copy(update={"guidance_scale": 1.0})
    expected = make_sampler(CONFIG, source, alone, CAPTIONS)(network(0))
    guided = make_sampler(CONFIG, source, STOCHASTIC, CAPTIONS, guide=CONFIG)
    assert_allclose(guided(network(0), network(0)), expected, atol=1e-4)
    assert np.abs(guided(network(0), network(1)) - expected).max() > 1e-3


def test_the_default_is_ddim_at_the_cosine_schedules_uniform_times():
    samples = SampleConfig()
    time = build.process(CONFIG.diffusion).time(levels_of(samples, CONFIG.diffusion))
    assert_allclose(np.diff(time), np.diff(time).mean(), rtol=1e-3)
    assert description(samples) | {"settings": ""} == {
        "sampler": "ddim",
        "steps": 50,
        "network_evaluations": 100,
        "guidance": "classifier_free",
        "guidance_scale": 2.0,
        "guidance_interval": (-np.inf, np.inf),
        "guide": "",
        "seed": 0,
        "settings": "",
    }


def test_what_is_recorded_says_sampler_cost_and_guidance():
    samples = SampleConfig.model_validate(
        {
            "sampler": {"name": "heun", "churn": 4},
            "steps": 10,
            "guidance_scale": 1.5,
            "guidance_interval": [-2, 4.0],
        }
    )
    found = description(samples, guide="20k")
    assert (found["sampler"], found["steps"], found["network_evaluations"]) == ("heun", 10, 38)
    assert (found["guidance"], found["guide"]) == ("autoguidance", "20k")
    assert found["guidance_interval"] == (-2.0, 4.0)
    assert json.loads(found["settings"])["sampler"]["churn"] == 4
    plain = samples.model_copy(update={"guidance_scale": 1.0})
    assert (description(plain)["network_evaluations"], description(plain)["guidance"]) == (
        19,
        "none",
    )


@pytest.mark.parametrize(
    "sampler",
    ["ddim", "ancestral", "euler", "heun", "dpmpp_2m", "dpmpp_2m_sde"],
)
def test_every_sampler_has_its_section(sampler):
    samples = SampleConfig.model_validate({"sampler": {"name": sampler}})
    assert sampler_of(samples).evaluations(4) in (4, 7)


@pytest.mark.parametrize("grid", ["quantiles", "uniform", "time", "power"])
def test_every_grid_has_its_section_and_lies_in_the_limits_of_training(grid):
    samples = SampleConfig.model_validate({"grid": {"name": grid}, "steps": 6})
    levels = levels_of(samples, CONFIG.diffusion)
    assert_allclose([levels[0], levels[-1]], [-10, 10], rtol=1e-3)
    assert len(levels) == 6


def test_a_sampler_of_the_users_own_file(source, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from models.diffusion.samplers import SAMPLERS, Sampler\n"
        "def twice(steps):\n"
        "    ddim = SAMPLERS['ddim']()\n"
        "    return Sampler(sample=ddim.sample, evaluations=lambda n: steps * n)\n"
    )
    given = {"name": "file", "function": f"{tmp_path}/mine.py:twice", "parameters": {"steps": 2}}
    samples = SampleConfig.model_validate({"sampler": given, "steps": 3})
    assert description(samples)["network_evaluations"] == 12
    mine = make_sampler(CONFIG, source, samples, CAPTIONS)(network(0))
    theirs = make_sampler(CONFIG, source, SampleConfig(steps=3), CAPTIONS)(network(0))
    assert_allclose(mine, theirs)


def test_an_interval_is_written_from_low_to_high():
    with pytest.raises(ValidationError, match=r"written as \[low, high\]"):
        SampleConfig.model_validate({"guidance_interval": [3.0, -3.0]})


if __name__ == "__main__":  # by test_eight_devices_sample_what_one_does
    mesh = sharding.make_mesh(2, 4)  # two runs on four devices each; the last block is filled up
    assert mesh.shape == {"run": 2, "data": 4, "fsdp": 1}
    both = jax.tree.map(lambda *leaves: np.concatenate(leaves), network(0), network(1))
    sampler = make_sampler(CONFIG, load(CONFIG.data), STOCHASTIC, CAPTIONS, mesh=mesh)
    np.save(sys.argv[1], sampler(jax.device_put(both, sharding.per_run(mesh))))
