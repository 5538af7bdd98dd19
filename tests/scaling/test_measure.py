"""Measured losses against closed forms, and what they may not depend on."""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.testing import assert_allclose

from models.diffusion.predictions import error_ratio
from models.diffusion.process import variance_preserving
from scaling.data.source import load
from scaling.measure import levels
from scaling.measure.likelihood import LikelihoodMeter
from scaling.measure.meter import Meter
from scaling.measure.rows import mean_and_error
from tests.scaling.conftest import tiny


def test_the_closed_forms_measured_loss_is_the_analytic_floor():
    # One Gaussian of deviation s about its mean: x0-error s^2 sigma^2 / (alpha^2 s^2 + sigma^2).
    config = tiny(
        data={"source": "mixture", "size": 4, "components": 1, "deviation": 0.3},
        measure__held_out_examples=600,
        measure__train_examples=0,
        measure__draws=4,
    )
    split = Meter(config, load(config.data)).splits["held_out"]
    assert split.floor is not None
    value, error = mean_and_error(split.floor)
    level = jnp.array(config.measure.log_snr)
    signal, noise = jax.nn.sigmoid(level), jax.nn.sigmoid(-level)
    x0_error = 0.09 * noise / (signal * 0.09 + noise)
    analytic = np.asarray(x0_error * error_ratio(variance_preserving(), "x0", "v", level))
    assert (np.abs(value - analytic) < 3 * error).all()
    assert (error < 0.05 * analytic).all()


def test_losses_do_not_depend_on_the_block_size_or_on_the_other_examples(monkeypatch):
    config = tiny(measure__train_examples=0)
    source = load(config.data)
    whole = Meter(config, source).splits["held_out"].floor
    monkeypatch.setattr(levels, "EXAMPLES_AT_ONCE", 7)
    assert_allclose(Meter(config, source).splits["held_out"].floor, whole, rtol=1e-5)
    fewer = tiny(measure__train_examples=0, measure__held_out_examples=10)
    alone = Meter(fewer, source).splits["held_out"].floor
    assert_allclose(alone, whole[:10], rtol=1e-5)


def test_noise_is_keyed_by_example_level_and_draw():
    ids = jnp.array([5, 9, 5])
    noise = levels.common_noise(0, ids, jnp.int32(2), jnp.int32(0), (4, 4, 1))
    assert_allclose(noise[0], noise[2])
    others = [
        levels.common_noise(seed, ids[:1], jnp.int32(level), jnp.int32(draw), (4, 4, 1))[0]
        for seed, level, draw in ((0, 3, 0), (0, 2, 1), (1, 2, 0))
    ]
    for other in [noise[1], *others]:
        assert float(jnp.max(jnp.abs(other - noise[0]))) > 0.1
    many = levels.common_noise(0, jnp.arange(2000), jnp.int32(0), jnp.int32(0), (4, 4, 1))
    assert_allclose([float(jnp.mean(many)), float(jnp.std(many))], [0, 1], atol=0.02)


def test_protocols_name_the_precision_that_the_network_trains_and_is_evaluated_in():
    """Errors of a network in bfloat16 are never fitted with those of one in float32."""
    found = []
    for precision in ("float32", "bfloat16"):
        config = tiny(
            data={"source": "digits"},
            train={"steps": 24, "batch_size": 16, "precision": precision},
            measure__likelihood={"bound": True},
        )
        source = load(config.data)
        meters = Meter(config, source), LikelihoodMeter(config, source)
        protocols = [protocol for meter in meters for protocol in meter.protocols().values()]
        assert len(protocols) == 4
        found.append({protocol.get("precision", "") for protocol in protocols})
    assert found == [{"float32", ""}, {"bfloat16 network, float32 errors"}]
