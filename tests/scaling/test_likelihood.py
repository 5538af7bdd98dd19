"""Bits per dimension as a measurement of runs."""

import json
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import logsumexp

from models.diffusion import mixture
from models.diffusion.process import variance_exploding
from scaling import build
from scaling.data.source import load
from scaling.measure.likelihood import LikelihoodMeter
from scaling.run import Member, run_cohort
from tests.scaling.conftest import PATIENT, rows_of, tiny, values_of

BOTH = {"bound": True, "ode": "exact", "examples": 40, "levels": 16, "steps": 32}
TERMS = ("prior", "diffusion", "reconstruction")


def measuring(settings=BOTH, **changes):
    return tiny(measure__likelihood=settings, **changes)


def bits(values, weights="raw"):
    """Metrics in bits per dimension of the last horizon, by their first word or words."""
    return {
        metric.removesuffix("_bits_per_dimension"): value
        for (horizon, of, split, metric, _), value in values.items()
        if metric.endswith("_bits_per_dimension") and of == weights and split == "held_out"
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    directory = tmp_path_factory.mktemp("likelihood")
    run_cohort([Member(config=measuring(), directory=directory)], execution=PATIENT)
    return directory


def test_rows_are_complete_and_the_terms_make_the_bound(trained):
    values = values_of(trained)
    for weights in ("raw", "ema_0.1", "closed_form"):
        found = bits(values, weights)
        assert found.keys() == {"bound", *TERMS, "ode", "ode_step_error"}
        assert_allclose(sum(found[term] for term in TERMS), found["bound"], rtol=1e-5)
    rows = [row for row in rows_of(trained) if row["metric"].endswith("_bits_per_dimension")]
    assert {row["horizon"] for row in rows} == {24}
    assert {row["count"] for row in rows} == {40}
    protocols = json.loads((trained / "protocols.json").read_text())
    of_bound, of_ode = (
        {row["protocol"] for row in rows if row["metric"].startswith(start)}
        for start in (("bound", *TERMS), "ode")
    )
    assert len(of_bound) == len(of_ode) == 1
    assert of_bound != of_ode
    for protocol in of_bound | of_ode:
        assert protocols[protocol]["log_snr"] == [-10.0, 10.0]
        assert protocols[protocol]["values"] == "continuous"


def test_the_closed_form_denoiser_s_are_those_of_the_data(trained):
    """The density of the mixture with the noise of log_snr_max, on the same examples."""
    config = measuring()
    source, process = load(config.data), variance_exploding()
    images = source.held_out(40, 0).images
    noise = math.exp(-10 / 2) * np.random.default_rng(0).normal(size=(50, *images.shape))
    levels = jnp.full(len(images), 10.0)

    def exact(y):
        nats = mixture.log_density(
            process, jnp.asarray(y), levels, source.arrays.means, config.data.deviation
        )
        return -np.asarray(nats) / (16 * math.log(2))

    rows = {
        row["metric"]: row
        for row in rows_of(trained)
        if row["weights"] == "closed_form" and row["metric"].endswith("_bits_per_dimension")
    }
    ode, bound = rows["ode_bits_per_dimension"], rows["bound_bits_per_dimension"]
    assert_allclose(ode["value"], exact(images).mean(), atol=1e-3)
    assert rows["ode_step_error_bits_per_dimension"]["value"] < 0.01
    noisy = np.mean([exact(images + n).mean() for n in noise])
    assert abs(bound["value"] - noisy) < 3 * bound["standard_error"]


def test_a_trained_network_is_worse_than_the_best(trained):
    values = values_of(trained)
    best, raw = bits(values, "closed_form"), bits(values)
    assert raw["bound"] > best["bound"] + 0.1
    assert raw["ode"] > best["ode"] + 0.1


def meter_columns(config, members=1):
    """The rows of untrained weights."""
    source = load(config.data)
    network = build.network(config)
    parameters = jax.vmap(network.init)(jax.random.split(jax.random.key(0), members))
    meter = LikelihoodMeter(config, source)
    return [
        {row.metric.removesuffix("_bits_per_dimension"): row for row in rows}
        for rows in meter.rows("raw", parameters, 1)
    ]


@pytest.mark.slow
def test_an_untrained_network_s_eight_bit_images():
    """It predicts v = 0, so the flow scales u by nothing: the density is the standard normal's."""
    config = measuring(
        {"ode": "hutchinson", "bound": True, "examples": 10, "levels": 8, "steps": 4},
        data={"source": "digits"},
        model__patch_size=4,
    )
    (found,) = meter_columns(config)
    images = load(config.data).held_out(10, 0).images.astype(float)
    a2 = 1 / (1 + math.exp(-10))
    # E of (x + width / sqrt(12) noise)^2 a^2 / 2 + log(2 pi) / 2 - log a, in bits, of bins.
    squared = a2 * (images**2 + (2 / 255) ** 2 / 12).mean()
    expected = (squared + math.log(2 * math.pi) - math.log(a2)) / (2 * math.log(2))
    assert_allclose(found["ode"].value, expected + math.log2(127.5), atol=2e-3)
    assert_allclose(found["ode_step_error"].value, 0.0, atol=1e-4)
    # The decoder's mean over the noise, of deviation exp(-5), by Gauss-Hermite quadrature.
    places, shares = np.polynomial.hermite_e.hermegauss(60)
    grid = np.linspace(-1, 1, 256)
    distance = images.ravel()[:, None, None] - grid + math.exp(-5) * places[:, None]
    normaliser = logsumexp(-((distance * math.exp(5)) ** 2) / 2, axis=2)
    expected = (normaliser + places**2 / 2) @ shares / shares.sum() / math.log(2)
    assert_allclose(found["reconstruction"].value, expected.mean(), atol=0.1)


@pytest.mark.slow
def test_a_cohort_s_runs_are_measured_apart_and_off_means_off():
    settings = {"bound": True, "examples": 4, "levels": 2}
    first, second = meter_columns(measuring(settings), members=2)
    (alone,) = meter_columns(measuring(settings))
    assert first.keys() == {"bound", *TERMS}
    assert first["prior"].value == second["prior"].value
    assert_allclose(first["bound"].value, alone["bound"].value, rtol=1e-2)
    assert meter_columns(tiny()) == [{}]
    assert LikelihoodMeter(tiny(), load(tiny().data)).protocols() == {}


@pytest.mark.slow
def test_more_examples_are_another_protocol_with_a_smaller_error():
    few, many = (
        meter_columns(measuring({"ode": "hutchinson", "examples": n, "steps": 2}))[0]["ode"]
        for n in (4, 70)
    )
    assert many.count == 70
    assert few.protocol != many.protocol
    assert few.standard_error > many.standard_error > 0
