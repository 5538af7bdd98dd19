"""What a network may predict, and how predictions and their errors turn into one another.

Every quantity is a combination a x0 + b noise; z = alpha x0 + sigma noise is another. Knowing z and
any one of them determines x0 and the noise, so one 2x2 solve converts between all.
"""

from collections.abc import Callable

import jax.numpy as jnp
from jaxtyping import Array, Float

from models.diffusion.process import alpha, over_images, sigma

Coefficient = Float[Array, "*s"]

# (a, b) of a x0 + b noise, given alpha and sigma.
QUANTITIES: dict[str, Callable[[Array, Array], tuple[Array, Array]]] = {
    "x0": lambda al, si: (jnp.ones_like(al), jnp.zeros_like(al)),
    "epsilon": lambda al, si: (jnp.zeros_like(al), jnp.ones_like(al)),
    "v": lambda al, si: (
        -si,
        al,
    ),  # Salimans & Ho, arXiv 2202.00512, section 4
}


def _determinant(quantity: str, log_snr: Coefficient) -> Coefficient:
    """alpha b - sigma a: how strongly the quantity varies where z is held fixed."""
    a, b = QUANTITIES[quantity](alpha(log_snr), sigma(log_snr))
    return alpha(log_snr) * b - sigma(log_snr) * a


def to_x0_and_noise(
    value: Float[Array, "b *d"],
    z: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    quantity: str,
) -> tuple[Float[Array, "b *d"], Float[Array, "b *d"]]:
    """Solve z = alpha x0 + sigma noise and value = a x0 + b noise for x0 and noise."""
    al, si = alpha(log_snr), sigma(log_snr)
    a, b = QUANTITIES[quantity](al, si)
    al, si, a, b = (over_images(c, z) for c in (al, si, a, b))
    determinant = al * b - si * a
    return (b * z - si * value) / determinant, (al * value - a * z) / determinant


def from_x0_and_noise(
    x0: Float[Array, "b *d"],
    noise: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    quantity: str,
) -> Float[Array, "b *d"]:
    """The quantity's value, a x0 + b noise."""
    a, b = QUANTITIES[quantity](alpha(log_snr), sigma(log_snr))
    return over_images(a, x0) * x0 + over_images(b, x0) * noise


def convert(
    value: Float[Array, "b *d"],
    z: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    source: str,
    target: str,
) -> Float[Array, "b *d"]:
    """A prediction of `source` at z, expressed as a prediction of `target`."""
    if source == target:
        return value
    return from_x0_and_noise(*to_x0_and_noise(value, z, log_snr, source), log_snr, target)


def error_ratio(source: str, target: str, log_snr: Float[Array, "*s"]) -> Float[Array, "*s"]:
    """Squared error in `target` over squared error in `source` for one prediction at one z.

    E.g. epsilon to x0: exp(-lambda); epsilon to v: 1 / alpha^2.
    """
    return (_determinant(target, log_snr) / _determinant(source, log_snr)) ** 2
