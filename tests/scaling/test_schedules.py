"""What a configured loss draws and weighs, and functions from a user's file."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

import sweeps
from scaling import build
from scaling.config import run_id
from scaling.costs import counts
from scaling.data.source import load
from scaling.errors import InputError
from scaling.schedules import profile
from scaling.train.program import make_program, rates
from tests.scaling.conftest import tiny

LAPLACE = {"name": "density", "density": {"name": "laplace"}}
RAMP = """
import jax.numpy as jnp
from models.diffusion.densities import tabulated
from models.diffusion.process import linear
from models.diffusion.weightings import Weighting

def ramp(low=-10.0, high=10.0):
    edges = jnp.linspace(low, high, 41)
    return tabulated(edges, edges[1:] - low)

def tilted(slope=0.5):
    return Weighting(lambda log_snr: jnp.exp(-slope * log_snr), "epsilon")

def straight():
    return linear()

def flat(low=-10.0, high=10.0):
    return tabulated(jnp.linspace(low, high, 5), jnp.ones(4))

def nothing():
    return None
"""


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(RAMP)
    return path


@pytest.mark.parametrize("density", ["laplace", "cosine", "logistic", "adaptive", "learned"])
def test_the_implied_weighting_holds_whatever_is_drawn(density):
    config = tiny(diffusion={"density": {"name": density}, "implied": LAPLACE})
    direct = profile(tiny(diffusion={"density": {"name": "laplace"}}), "laplace")
    found = profile(config, density)
    assert_allclose(found.weighting, direct.weighting, rtol=2e-3, atol=1e-6)
    # Drawn from the target itself, all weigh alike; the factor averages one from any density.
    assert found.effective <= 1 + 1e-3
    assert (found.effective > 0.99) == (density == "laplace")
    grid = found.log_snr
    assert_allclose(np.trapezoid(found.density * found.factor, grid), 1, rtol=5e-3)
    assert not found.monotone


def test_monotone_weightings_are_told():
    assert profile(tiny(), "cosine, v").monotone
    assert not profile(tiny(diffusion={"error": "epsilon"}), "cosine, epsilon").monotone


def test_shares_are_those_of_the_density():
    found = profile(tiny(diffusion={"density": {"name": "laplace", "scale": 1.0}}), "laplace")
    inner, outer = 1 - np.exp(-1), (np.exp(-1) - np.exp(-4)) / 2
    assert_allclose(found.shares, [np.exp(-4) / 2, outer, inner, outer, np.exp(-4) / 2], atol=1e-4)


def test_a_reference_size_shifts_the_density():
    plain = profile(tiny(data={"source": "mixture", "size": 4}), "plain")
    shifted = profile(
        tiny(data={"source": "mixture", "size": 4}, diffusion={"reference_size": 8}), "shifted"
    )
    peaks = [s.log_snr[np.argmax(s.density)] for s in (plain, shifted)]
    assert_allclose(peaks, [0, 2 * np.log(2)], atol=0.02)


@pytest.mark.parametrize("drawn", ["laplace", "cosine", "uniform", "adaptive"])
def test_a_reference_size_shifts_what_is_implied_by_a_density_as_what_is_drawn(drawn):
    sized = {"data": {"source": "mixture", "size": 4}}
    direct = tiny(diffusion={"density": {"name": "laplace"}, "reference_size": 8}, **sized)
    diffusion = {"density": {"name": drawn}, "implied": LAPLACE, "reference_size": 8}
    found = profile(tiny(diffusion=diffusion, **sized), drawn)
    assert_allclose(found.weighting, profile(direct, "direct").weighting, rtol=2e-3, atol=1e-6)


def test_functions_of_a_users_file(mine):
    diffusion = {
        "density": {"name": "file", "function": f"{mine}:ramp"},
        "weighting": {"name": "file", "function": f"{mine}:tilted", "parameters": {"slope": 0.25}},
        "process": {"name": "file", "function": f"{mine}:straight"},
    }
    config = tiny(diffusion=diffusion)
    assert build.process(config.diffusion).name == "linear"
    found = profile(config, "mine")
    grid = found.log_snr
    assert_allclose(found.density, (grid + 10) / 200, atol=0.003)
    w = np.exp(-0.25 * grid) * found.density
    assert_allclose(found.weighting, w / w.max(), rtol=1e-4)


def test_a_users_flat_density_trains_as_the_uniform_one(mine):
    def loss(density):
        config = tiny(diffusion={"density": density})
        source, seeds = load(config.data), np.zeros(1, np.int32)
        program = make_program(config, source)
        state = program.init(seeds)
        indices = jnp.zeros((1, 2, config.train.batch_size), jnp.int32)  # the mixture is endless
        rated = jax.tree.map(lambda number: number[None], rates(config))
        at = np.int32(0), np.int32(2)
        return program.advance(state, seeds, rated, source.arrays, indices, *at).loss_sum

    assert_allclose(
        loss({"name": "file", "function": f"{mine}:flat"}), loss({"name": "uniform"}), rtol=1e-4
    )


def test_a_changed_file_is_another_run(mine):
    density = {"name": "file", "function": f"{mine}:ramp"}
    before = tiny(diffusion={"density": density})
    mine.write_text(RAMP.replace("41", "81"))
    after = tiny(diffusion={"density": density})
    assert run_id(before) != run_id(after)
    with pytest.raises(ValidationError, match="has changed"):
        type(before).model_validate(before.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("function", "said"), [("missing", "has no function 'missing'"), ("nothing", "must return a")]
)
def test_a_function_that_is_none_is_told(mine, function, said):
    config = tiny(diffusion={"density": {"name": "file", "function": f"{mine}:{function}"}})
    with pytest.raises(InputError, match=said):
        build.schedule(config)


@pytest.mark.parametrize(
    ("diffusion", "said"),
    [
        ({"density": {"name": "adaptive"}}, "implied: is missing"),
        ({"implied": {"name": "elbo"}, "weighting": {"name": "min_snr"}}, "leave one out"),
        ({"density": {"name": "file", "function": "nowhere.py:f"}}, "there is no file"),
        ({"density": {"name": "uniform"}, "reference_size": 8}, "uniform density has no place"),
        (
            {"density": {"name": "learned"}, "implied": {"name": "elbo"}, "reference_size": 8},
            "learned density has no place",
        ),
        ({"weighting": {"name": "table", "log_snr": [0, 1], "values": [1]}}, "values"),
        ({"density": {"name": "linear_beta", "beta_min": 2.0, "beta_max": 2.0}}, "must lie above"),
    ],
)
def test_impossible_combinations_are_refused(diffusion, said):
    with pytest.raises(ValidationError, match=said):
        tiny(diffusion=diffusion)


def test_every_named_density_and_weighting_can_be_configured():
    for name in (
        "cosine",
        "laplace",
        "cauchy",
        "normal",
        "logit_normal",
        "logistic",
        "linear_beta",
    ):
        found = profile(tiny(diffusion={"density": {"name": name}}), name)
        assert_allclose(sum(found.shares), 1, atol=1e-5)
    for name in ("elbo", "epsilon", "x0", "v", "indi", "edm", "edm_monotonic", "min_snr", "p2"):
        config = tiny(diffusion={"implied": {"name": name}})
        value = build.factor(config)(build.schedule(config).density({}), jnp.zeros(1))
        assert value[0] > 0


def test_the_three_ways_of_w_against_p_cost_the_same():
    cost: dict[str, set[float]] = {}
    for run in sweeps.load("w_against_p").runs:
        train = run.config.train
        flops = counts(run.config).training_flops * train.batch_size * train.steps
        cost.setdefault(run.config.model.rung, set()).add(flops)
    said = {"20k": 5.8e10, "40k": 1.5e11, "70k": 3.1e11, "120k": 5.1e11}
    assert {rung: pytest.approx(of, rel=0.02) for rung, (of,) in cost.items()} == said
