"""Guidance: its identities, and the density that it samples for a Gaussian."""

import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.diffusion.guidance import autoguidance, classifier_free

Z, LEVELS = jnp.linspace(-1, 1, 3).reshape(3, 1, 1, 1), jnp.array([-2.0, 0.0, 2.0])
TOKENS = jnp.array([[1], [2], [3]])


def network(z, log_snr, tokens):
    return z + tokens[:, 0, None, None, None]


def worse(z, log_snr, tokens):
    return 0.5 * network(z, log_snr, tokens) - 1


METHODS = {
    "classifier_free": lambda *setting: classifier_free(network, *setting),
    "autoguidance": lambda *setting: autoguidance(network, worse, *setting),
}


def test_classifier_free_extrapolates_from_the_unconditional_prediction():
    for scale in (0.0, 1.0, 2.5):
        guided = classifier_free(network, scale)(Z, LEVELS, TOKENS)
        assert_allclose(guided - Z, scale * TOKENS[:, :, None, None])


def test_autoguidance_extrapolates_from_the_worse_network():
    good, bad = network(Z, LEVELS, TOKENS), worse(Z, LEVELS, TOKENS)
    for scale, expected in ((0.0, bad), (1.0, good), (3.0, 3 * good - 2 * bad)):
        found = autoguidance(network, worse, scale)(Z, LEVELS, TOKENS)
        assert_allclose(found, expected, rtol=1e-6)


def test_a_network_guided_by_itself_is_that_network():
    found = autoguidance(network, network, 3.0)(Z, LEVELS, TOKENS)
    assert (found == network(Z, LEVELS, TOKENS)).all()


@pytest.mark.parametrize("guide", METHODS.values(), ids=METHODS)
def test_scale_one_is_the_network_itself(guide):
    assert guide(1.0) is network


@pytest.mark.parametrize("guide", METHODS.values(), ids=METHODS)
def test_nothing_changes_outside_the_interval(guide):
    found = np.asarray(guide(2.0, (-1.0, 1.0))(Z, LEVELS, TOKENS))
    assert (found[[0, 2]] == np.asarray(network(Z, LEVELS, TOKENS))[[0, 2]]).all()
    assert (found[1] == guide(2.0)(Z, LEVELS, TOKENS)[1]).all()
    assert found[1] != network(Z, LEVELS, TOKENS)[1]
