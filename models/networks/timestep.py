"""The noise level as published networks are told it: a step of DDPM's schedule, or its time."""

import math
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

STEPS = 1000

BETAS = {
    "linear": np.linspace(1e-4, 0.02, STEPS),  # DDPM (arXiv 2006.11239), section 4; DiT
    "scaled_linear": np.linspace(0.00085**0.5, 0.012**0.5, STEPS) ** 2,  # Stable Diffusion
}

Schedule = Literal["linear", "scaled_linear"]


def log_snr_of_steps(schedule: Schedule = "linear") -> Float[np.ndarray, " steps"]:
    """Log-SNR at steps 0 to 999, falling."""
    kept = np.cumsum(np.log1p(-BETAS[schedule]))  # log alpha^2 (arXiv 2006.11239, Eq. 4)
    return kept - np.log(-np.expm1(kept))


def timestep_of(log_snr: Float[Array, " b"], schedule: Schedule = "linear") -> Float[Array, " b"]:
    """The step of this log-SNR, 0 to 999, linear in it between two steps.

    The linear schedule's steps reach from 9.2 down to -10.1; beyond stands the step at that end.
    """
    levels = log_snr_of_steps(schedule)[::-1].astype(np.float32)
    return jnp.interp(log_snr, levels, np.arange(STEPS, dtype=np.float32)[::-1])


def time_of(
    log_snr: Float[Array, " b"], beta_min: float = 0.1, beta_max: float = 20.0
) -> Float[Array, " b"]:
    """Time, 0 to 1, of the linear schedule without steps (arXiv 2011.13456, Eq. 33)."""
    rise = beta_max - beta_min
    integral = jax.nn.softplus(-log_snr)  # of beta; alpha^2 = exp(-integral)
    return (jnp.sqrt(beta_min**2 + 2 * rise * integral) - beta_min) / rise


def timestep_features(t: Float[Array, " b"], width: int) -> Float[Array, "b width"]:
    """Cosines, then sines, of t at width // 2 frequencies from 1 down to almost 1 / 10,000.

    As the code of ADM (arXiv 2105.05233), DiT and U-ViT has it; a zero ends an odd width.
    """
    half = width // 2
    frequencies = np.exp(-math.log(10000) * np.arange(half) / half).astype(np.float32)
    angles = t[:, None] * frequencies
    features = jnp.concatenate([jnp.cos(angles), jnp.sin(angles)], axis=-1)
    return jnp.pad(features, ((0, 0), (0, width % 2)))
