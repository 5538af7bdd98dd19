"""The weighting of the epsilon-error that a density and a factor imply, against published forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.integrate import quad

from models.diffusion.densities import cosine, laplace, logistic, normal, truncate
from models.diffusion.predictions import error_ratio
from models.diffusion.process import PROCESSES, linear, variance_exploding, variance_preserving
from models.diffusion.weightings import (
    FACTORS,
    IMPLIED,
    constant,
    edm,
    implied,
    min_snr,
    monotone,
    on_error,
    p2,
    sigmoid,
    soft_min_snr,
    table,
    whole,
)

VP = variance_preserving()

LOG_SNR = np.linspace(-8, 8, 33)


def sech(x):
    return 1 / np.cosh(x)


TILT = np.exp(-LOG_SNR)
PUBLISHED = {  # name: (process, density, factor, error, w of the epsilon-error up to scale)
    "epsilon": (VP, cosine(), constant(), "epsilon", sech(LOG_SNR / 2)),
    "x0": (VP, cosine(), constant(), "x0", TILT * sech(LOG_SNR / 2)),
    "v": (VP, cosine(), constant(), "v", np.exp(-LOG_SNR / 2)),
    "flow_matching": (linear(), logistic(), constant(), "velocity", np.exp(-LOG_SNR / 2)),
    "indi": (linear(), logistic(), constant(), "x0", TILT * sech(LOG_SNR / 4) ** 2),
    "edm": (
        variance_exploding(0.5),
        normal(),
        edm(0.5),
        "x0",
        np.exp(-(((LOG_SNR - 2.4) / 2.4) ** 2) / 2) * (TILT + 0.25),
    ),
    "edm, preconditioned": (
        variance_exploding(0.5),
        normal(),
        constant(),
        "edm",
        np.exp(-(((LOG_SNR - 2.4) / 2.4) ** 2) / 2) * (TILT + 0.25),
    ),
    "min_snr": (VP, cosine(), min_snr(5.0), "v", sech(LOG_SNR / 2) * np.minimum(1, 5 * TILT)),
    "soft_min_snr": (VP, cosine(), soft_min_snr(5.0), "v", sech(LOG_SNR / 2) * 5 / (1 / TILT + 5)),
    "p2": (VP, cosine(), p2(0.5), "epsilon", sech(LOG_SNR / 2) / (1 + 1 / TILT) ** 0.5),
    "sigmoid": (VP, cosine(), sigmoid(2.0), "v", sech(LOG_SNR / 2) / (1 + np.exp(LOG_SNR - 2.0))),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_implied_weighting_is_the_published_one(name):
    process, density, weighting, error, expected = PUBLISHED[name]
    with jax.enable_x64(True):
        w = implied(process, density, weighting, error, jnp.asarray(LOG_SNR))
    ratio = np.asarray(w) / expected
    assert_allclose(ratio, ratio[0], rtol=1e-9)


def test_shifting_the_cosine_shifts_its_density_alone():
    """sech((lambda - m) / 2) (1 + exp(-lambda)): exp(-lambda / 2) only without a shift."""
    with jax.enable_x64(True):
        w = implied(VP, cosine(1.7), constant(), "v", jnp.asarray(LOG_SNR))
    ratio = np.asarray(w) / (sech((LOG_SNR - 1.7) / 2) * (1 + TILT))
    assert_allclose(ratio, ratio[0], rtol=1e-9)
    assert monotone(np.asarray(w))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("epsilon", {}),
        ("x0", {}),
        ("v", {}),
        ("flow_matching", {}),
        ("indi", {}),
        ("edm", {}),
        ("min_snr", {"gamma": 5.0}),
        ("soft_min_snr", {"gamma": 5.0}),
        ("p2", {"gamma": 0.5}),
    ],
)
def test_named_weightings_are_those_of_their_schedules(name, parameters):
    with jax.enable_x64(True):
        found = np.asarray(IMPLIED[name](**parameters)(jnp.asarray(LOG_SNR)))
    ratio = found / PUBLISHED[name][-1]
    assert_allclose(ratio, ratio[0], rtol=1e-9)


def test_elbo_is_what_small_steps_of_the_variational_bound_amount_to():
    """KL(q(z_s | z_t, x0) || q(z_s | z_t, prediction)) per unit of lambda and of epsilon-error.

    Two Gaussians whose means alone differ (VDM, arXiv 2107.00630, appendix A): one half, whatever
    lambda. The errors are of second order in the step.
    """
    with jax.enable_x64(True):
        levels, half = jnp.asarray(LOG_SNR), 1e-3
        (clean, noise_s), (noisy, noise_t) = (
            (VP.alpha(level), VP.sigma(level) ** 2) for level in (levels + half, levels - half)
        )
        added = noise_t - (noisy / clean) ** 2 * noise_s  # variance of z_t given z_s
        apart = clean * added / noise_t  # of the means, for an x0-error of one
        divergence = apart**2 / (2 * added * noise_s / noise_t)
        of_epsilon = divergence * error_ratio(VP, "epsilon", "x0", levels) / (2 * half)
        assert_allclose(of_epsilon, IMPLIED["elbo"]()(levels) / 2, rtol=1e-5)


def test_sigmoid_is_the_share_of_noise_once_shifted():
    """1 / (1 + SNR exp(-bias)): sigma^2 at a log-SNR lower by the bias (VDM++, section 5)."""
    with jax.enable_x64(True):
        levels = jnp.asarray(LOG_SNR)
        for bias in (-1.5, 0.0, 2.0):
            found = IMPLIED["sigmoid"](bias)(levels)
            assert_allclose(found, VP.sigma(levels - bias) ** 2, rtol=1e-9)
            assert_allclose(found, 1 / (1 + np.exp(LOG_SNR) * np.exp(-bias)), rtol=1e-9)


def test_which_weightings_are_monotone():
    """The table of VDM++ (arXiv 2303.00848): what is a likelihood bound of noisy copies."""
    monotone_ones = {"elbo", "x0", "v", "flow_matching", "indi", "edm_monotonic", "sigmoid"}
    levels = np.linspace(-12, 12, 481)
    with jax.enable_x64(True):
        found = {
            name
            for name, make in IMPLIED.items()
            if name != "table" and monotone(np.asarray(make()(jnp.asarray(levels))))
        }
    assert found == monotone_ones
    bump = np.exp(-levels) + np.exp(-((levels - 6) ** 2) / 2)  # from 0.06 to 1, of at most 160,000
    creep = 1 + 1e-6 * np.arange(len(levels))  # each step alone would pass for rounding
    assert not monotone(bump)
    assert not monotone(creep)
    assert monotone(1 + 1e-6 * np.random.default_rng(0).uniform(size=len(levels)))


def test_edm_monotonic_is_edm_beyond_the_peak_and_flat_before():
    with jax.enable_x64(True):
        levels = jnp.linspace(-12, 12, 24_001)
        wavy, held = (np.asarray(IMPLIED[name]()(levels)) for name in ("edm", "edm_monotonic"))
    peak = int(np.argmax(wavy))
    assert_allclose(held[peak:], wavy[peak:], rtol=1e-6)
    assert_allclose(held[:peak], wavy[peak], rtol=1e-6)


def test_min_snr_factors_of_its_paper():
    # min(SNR, g) for x0, min(SNR, g) / SNR for epsilon, min(SNR, g) / (SNR + 1) for v.
    with jax.enable_x64(True):
        snr = np.exp(LOG_SNR)
        clipped = np.minimum(snr, 5)
        expected = {"x0": clipped, "epsilon": clipped / snr, "v": clipped / (snr + 1)}
        for error, factor in expected.items():
            found = on_error(VP, min_snr(5.0), error, jnp.asarray(LOG_SNR))
            assert_allclose(found, factor, rtol=1e-9)


def test_soft_min_snr_with_four_is_hdits():
    with jax.enable_x64(True):
        snr = np.exp(LOG_SNR)
        found = on_error(VP, soft_min_snr(4.0), "v", jnp.asarray(LOG_SNR))
        assert_allclose(found, 4 * snr / ((snr + 4) * (snr + 1)), rtol=1e-9)


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("name", [name for name in FACTORS if name not in ("constant", "table")])
def test_the_same_weighting_whatever_the_error_averaged(name, process):
    density = laplace()
    noise = PROCESSES[process]()
    with jax.enable_x64(True):
        levels = jnp.asarray(LOG_SNR)
        forms = [
            implied(noise, density, FACTORS[name](), error, levels)
            for error in ("v", "x0", "epsilon", "velocity", "edm")
        ]
    for form in forms[1:]:
        assert_allclose(form, forms[0], rtol=1e-9)


def test_a_table_is_linear_between_its_nodes():
    with jax.enable_x64(True):
        weighting = table((-2.0, 0.0, 4.0), (1.0, 3.0, 1.0), "epsilon")
        found = weighting.factor(jnp.array([-9.0, -1.0, 0.0, 2.0, 9.0]))
    assert_allclose(found, [1, 2, 3, 2, 1])


@pytest.mark.parametrize("error", ["v", "epsilon", "x0"])
def test_a_whole_weighting_integrates_to_one_on_its_error(error):
    with jax.enable_x64(True):
        density = whole(VP, IMPLIED["sigmoid"](1.0), error, -6.0, 5.0)
        total, _ = quad(lambda x: float(density(jnp.float64(x))), -6.0, 5.0)
    assert_allclose(total, 1, rtol=1e-6)


def test_weighting_and_sampling_give_the_same_expected_gradient():
    """int p c err d lambda over a grid: Laplace drawn, or cosine and normal weighted."""
    low, high = -10.0, 10.0
    target = truncate(laplace(), low, high)
    with jax.enable_x64(True):
        levels = jnp.linspace(low, high, 4001)

        def error(theta):  # any error that depends on parameters and lambda
            return (jnp.sin(theta[0] * levels) - theta[1]) ** 2 * jnp.exp(-jnp.abs(levels) / 3)

        w = whole(VP, lambda x: implied(VP, target, constant(), "v", x), "v", low, high)
        gradients = []
        for density, factor in (
            (target, jnp.ones_like),
            (truncate(cosine(), low, high), None),
            (truncate(normal(), low, high), None),
        ):
            p = density.pdf(levels)
            c = w(levels) / p if factor is None else factor(levels)

            def loss(theta, p=p, c=c):
                return jnp.trapezoid(p * c * error(theta), levels)

            gradients.append(jax.grad(loss)(jnp.array([0.7, 0.2])))
    assert np.abs(gradients[0]).min() > 1e-3
    # `whole` is scaled by its own quadrature, whose kink at zero costs five digits.
    assert_allclose(gradients[1], gradients[0], rtol=1e-5)
    assert_allclose(gradients[2], gradients[1], rtol=1e-12)
