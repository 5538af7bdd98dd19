"""The noise level as U-ViT's published networks are told it."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from models.networks.timestep import STEPS


def continuous_step(log_snr: Float[Array, " b"]) -> Float[Array, " b"]:
    """999 t, of the linear schedule without steps (arXiv 2011.13456, Eq. 33).

    alpha^2 = exp(-B) with B = 0.1 t + 19.9 t^2 / 2. It ends at 999 and log-SNR -10.05; noise
    beyond goes on by the same formula.
    """
    lowest, rise = 0.1, 19.9
    integral = jnp.logaddexp(0.0, -log_snr)  # B = log(1 + exp(-lambda))
    return (STEPS - 1) * (jnp.sqrt(lowest**2 + 2 * rise * integral) - lowest) / rise


def log_snr_of_stable_diffusion() -> Float[np.ndarray, " steps"]:
    """Log-SNR at steps 1 to 1000 of Stable Diffusion's schedule, linear in sqrt(beta); falling."""
    betas = np.linspace(0.00085**0.5, 0.012**0.5, STEPS) ** 2
    kept = np.cumsum(np.log1p(-betas))  # log alpha^2
    return kept - np.log(-np.expm1(kept))


def stable_diffusion_step(log_snr: Float[Array, " b"]) -> Float[Array, " b"]:
    """The step, 1 to 1000, in between by linear interpolation; beyond an end stands that end's.

    Counted from one, where others that use this schedule count from zero.
    """
    levels = log_snr_of_stable_diffusion()[::-1].astype(np.float32)
    return jnp.interp(log_snr, levels, np.arange(STEPS, 0, -1, dtype=np.float32))
