"""A finite set of images under diffusion: the best possible denoiser, exactly.

x0 is one of n images, each equally likely, and z = alpha x0 + sigma noise. With y = z / alpha,

    E[x0 | z] = sum_j softmax_j(-exp(lambda) |y - x_j|^2 / 2) x_j,

which is the same for every process. Its mean squared error is the least that any denoiser reaches
on this set, E|x0 - E[x0|z]|^2 = E|x0|^2 - E|E[x0|z]|^2 (arXiv 2506.13763).

Stored images may be bytes; `decode` turns a block of them into the units of z.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Num

from models.diffusion.process import Process, over_images

Decode = Callable[[Array], Array]
Allowed = Bool[Array, "b n"]

REFINED = 16  # images whose log-weights are computed again without loss of digits
AT_ONCE = 8  # examples whose likely images are gathered together


def as_they_are(images: Array) -> Array:
    """For images stored in the units of z."""
    return images


def _flat(images: Array) -> Array:
    return images.reshape(len(images), -1)


def scores(
    y: Float[Array, "b d"], log_snr: Float[Array, " b"], images: Float[Array, "n d"]
) -> Float[Array, "b n"]:
    """Log-weights up to a constant for each y: exp(lambda) (y . x_j - |x_j|^2 / 2)."""
    product = jnp.matmul(y, images.T, precision="highest")
    return jnp.exp(log_snr)[:, None] * (product - jnp.sum(images**2, axis=1) / 2)


def refined(
    y: Float[Array, " d"], log_snr: Float[Array, ""], near: Float[Array, "k d"]
) -> Float[Array, " k"]:
    """Log-weights of some images relative to the first of them, which should be a likely one.

    log w_j - log w_1 = exp(lambda) ((x_j - x_1) . (y - x_1 - (x_j - x_1) / 2)), in which nothing
    large cancels: near copies are told apart at high log-SNR in float32 too.
    """
    apart = near - near[0]
    return jnp.exp(log_snr) * jnp.sum(apart * (y - near[0] - apart / 2), axis=1)


def posterior_mean(
    process: Process,
    z: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    images: Num[Array, "n *d"],
    allowed: Allowed | None = None,
    *,
    decode: Decode = as_they_are,
    block: int = 1024,
) -> Float[Array, "b *d"]:
    """E[x0 | z] over the images, or over those allowed (of the example's own caption or class).

    Two passes over blocks of images: log-weights, then the weighted mean. Beside the stored images
    memory holds b n numbers and one block decoded. Each example must be allowed an image.
    """
    y, count = _flat(z / over_images(process.alpha(log_snr), z)), len(images)
    block = min(block, count)
    starts = jnp.arange(0, count, block)

    def rows(start: Array) -> tuple[Array, Array]:
        """A block of images, and which of them no earlier block has had."""
        first = jnp.minimum(start, count - block)
        part = jax.lax.dynamic_slice_in_dim(images, first, block)
        return _flat(decode(part)), first + jnp.arange(block) >= start

    def score(ranking: Array, start: Array) -> tuple[Array, None]:
        part = scores(y, log_snr, rows(start)[0])
        at = jnp.minimum(start, count - block)
        return jax.lax.dynamic_update_slice_in_dim(ranking, part, at, axis=1), None

    ranking, _ = jax.lax.scan(score, jnp.zeros((len(y), count), y.dtype), starts)
    if allowed is not None:
        ranking = jnp.where(allowed, ranking, -jnp.inf)
    ranks, index = jax.lax.top_k(ranking, min(REFINED, count))

    def refine(draw: tuple[Array, Array, Array]) -> Float[Array, " k"]:
        return refined(*draw[:2], _flat(decode(images[draw[2]])))

    exact = jax.lax.map(refine, (y, log_snr, index), batch_size=AT_ONCE)
    exact = jnp.where(jnp.isneginf(ranks), -jnp.inf, exact)
    best = jnp.max(ranking, axis=1, keepdims=True)
    log_weights = (ranking - best).at[jnp.arange(len(y))[:, None], index].set(exact)
    weights = jax.nn.softmax(log_weights, axis=1)

    def add(total: Array, start: Array) -> tuple[Array, None]:
        part, fresh = rows(start)
        at = jnp.minimum(start, count - block)
        share = jnp.where(fresh, jax.lax.dynamic_slice_in_dim(weights, at, block, axis=1), 0)
        return total + jnp.matmul(share, part, precision="highest"), None

    mean, _ = jax.lax.scan(add, jnp.zeros_like(y), starts)
    return mean.reshape(z.shape)
