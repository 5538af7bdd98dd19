"""The weighting of the epsilon-error that a density and a factor imply, against published forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose

from models.diffusion.densities import cosine, laplace
from models.diffusion.process import variance_preserving
from models.diffusion.weightings import constant, implied, min_snr, on_error, sigmoid

VP = variance_preserving()

LOG_SNR = np.linspace(-8, 8, 33)


def sech(x):
    return 1 / np.cosh(x)


PUBLISHED = {  # name: (density, weighting, error, w of the epsilon-error up to scale)
    "epsilon, cosine": (cosine(), constant(), "epsilon", sech(LOG_SNR / 2)),
    "x0, cosine": (cosine(), constant(), "x0", np.exp(-LOG_SNR) * sech(LOG_SNR / 2)),
    "v, cosine": (cosine(), constant(), "v", np.exp(-LOG_SNR / 2)),
    "min-SNR, cosine": (
        cosine(),
        min_snr(5.0),
        "v",
        sech(LOG_SNR / 2) * np.minimum(1, 5 * np.exp(-LOG_SNR)),
    ),
    "sigmoid": (
        cosine(),
        sigmoid(2.0),
        "v",
        sech(LOG_SNR / 2) / (1 + np.exp(LOG_SNR - 2.0)),
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_implied_weighting_is_the_published_one(name):
    density, weighting, error, expected = PUBLISHED[name]
    with jax.enable_x64(True):
        ratio = np.asarray(implied(VP, density, weighting, error, jnp.asarray(LOG_SNR))) / expected
    assert_allclose(ratio, ratio[0], rtol=1e-9)


def test_min_snr_factors_of_its_paper():
    # min(SNR, g) for x0, min(SNR, g) / SNR for epsilon, min(SNR, g) / (SNR + 1) for v.
    with jax.enable_x64(True):
        snr = np.exp(LOG_SNR)
        clipped = np.minimum(snr, 5)
        expected = {"x0": clipped, "epsilon": clipped / snr, "v": clipped / (snr + 1)}
        for error, factor in expected.items():
            assert_allclose(
                on_error(VP, min_snr(5.0), error, jnp.asarray(LOG_SNR)), factor, rtol=1e-9
            )


def test_the_same_weighting_whatever_the_error_averaged():
    density = laplace()
    with jax.enable_x64(True):
        levels = jnp.asarray(LOG_SNR)
        forms = [implied(VP, density, sigmoid(), error, levels) for error in ("v", "x0", "epsilon")]
    assert_allclose(forms[1], forms[0], rtol=1e-9)
    assert_allclose(forms[2], forms[0], rtol=1e-9)
