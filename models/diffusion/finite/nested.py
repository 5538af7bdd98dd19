"""E[x0 | z] over a finite set from a few of its images: the floor at a small part of its cost.

The sums of the exact mean are split in two. The coordinates of a sketch tell which images are
likely to have given z. The likeliest, the candidates, are summed exactly. All others are
represented by a few drawn with probability p, near their likelihood, each weighing 1 / p (Hansen
and Hurwitz 1943), which leaves numerator and denominator unbiased. Two estimates with independent
draws give an upper bound of the floor with only the square of their bias in excess.

The estimator of arXiv 2506.13763, cDOL (equation 11), takes a random subset of L images instead,
puts into it the very image that z was made from, and divides that one's weight by C (about
4 N / L there) against the bias of having put it in: one tuned constant and one squared estimate.
Here no choice knows more than z, so there is nothing to correct; the likely images are found by
looking at a few coordinates of all N.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Num

from models.diffusion.finite.exact import AT_ONCE, Allowed, Decode, as_they_are, refined
from models.diffusion.finite.sketch import Sketch, product
from models.diffusion.process import Process, over_images

BLOCKS = 256  # at least, in which images are searched
RANGE = 60.0  # nats by which probabilities of a drawing differ at most


class Picked(NamedTuple):
    """Images by number, and the log of how many images each one stands for."""

    which: Int[Array, "b m"]
    log_count: Float[Array, "b m"]


def likelihoods(
    y: Float[Array, "b d"],
    log_snr: Float[Array, " b"],
    sketch: Sketch,
    allowed: Allowed | None = None,
) -> Float[Array, "b rows blocks"]:
    """Log-likelihood of each image given a sketch of y, up to a constant; image j = row, block.

    j = row * blocks + block, about sqrt(n) of each; -inf where there is no such image.
    """
    count = len(sketch.known)
    blocks = min(count, max(BLOCKS, math.isqrt(count)))
    query = jnp.exp(log_snr)[:, None] * product(y, sketch.directions)
    spare = -count % blocks
    known = jnp.pad(sketch.known, ((0, spare), (0, 0)))
    half = jnp.pad(jnp.sum(sketch.known**2, axis=1) / 2, (0, spare), constant_values=jnp.inf)
    logs = product(query, known.T) - jnp.exp(log_snr)[:, None] * half
    if allowed is not None:
        logs = jnp.where(jnp.pad(allowed, ((0, 0), (0, spare))), logs, -jnp.inf)
    return logs.reshape(len(y), -1, blocks)


def likeliest(logs: Float[Array, "b rows blocks"], count: int) -> Picked:
    """The `count` likeliest images, each standing for itself: they lie in the best blocks."""
    blocks = logs.shape[2]
    _, best = jax.lax.top_k(jnp.max(logs, axis=1), min(count, blocks))
    columns = jnp.take_along_axis(logs, best[:, None], axis=2).reshape(len(logs), -1)
    ranks, place = jax.lax.top_k(columns, min(count, columns.shape[1]))
    row, column = jnp.divmod(place, best.shape[1])
    index = row * blocks + jnp.take_along_axis(best, column, axis=1)
    return Picked(index, jnp.where(jnp.isneginf(ranks), -jnp.inf, 0.0))


def drawn(logs: Float[Array, "b rows blocks"], offsets: Float[Array, "b e"], size: int) -> Picked:
    """`size` images for each offset in [0, 1): evenly spaced along the sum of probabilities.

    First their blocks, as likely as each one's likeliest image, then the images within, as likely
    as they are, so that exponentials of all the n need not be taken.
    """
    block_of = jnp.max(logs, axis=1)
    at = (jnp.arange(size) + offsets[..., None]).reshape(len(logs), -1) / size
    block, share, at = _at(_odds(block_of)[:, None], at)
    images = jnp.take_along_axis(logs, block[:, None], axis=2).swapaxes(1, 2)
    row, part, _ = _at(_odds(images), at)
    log_count = -jnp.log(share * part * size)
    index = row * logs.shape[2] + block
    return Picked(index, jnp.where(share * part > 0, log_count, -jnp.inf))


def _odds(logs: Float[Array, "*b m"]) -> Float[Array, "*b m"]:
    top = jnp.max(logs, axis=-1, keepdims=True)
    odds = jnp.exp(jnp.maximum(logs - jnp.where(jnp.isneginf(top), 0, top), -RANGE))
    return jnp.where(jnp.isneginf(logs), 0, odds)


def _at(
    odds: Float[Array, "b #s m"], at: Float[Array, "b s"]
) -> tuple[Int[Array, "b s"], Float[Array, "b s"], Float[Array, "b s"]]:
    """Which of m the fraction `at` of their sum falls in, its probability, and how far into it."""
    sums = jnp.cumsum(odds, axis=2)
    total = jnp.maximum(sums[..., -1], jnp.finfo(odds.dtype).tiny)
    goal = at * total
    which = jnp.minimum(jnp.sum(sums <= goal[..., None], axis=2), odds.shape[2] - 1)
    pick = jnp.broadcast_to(which[..., None], (*which.shape, 1))
    odds, sums = (
        jnp.take_along_axis(jnp.broadcast_to(a, (*which.shape, a.shape[2])), pick, 2)[..., 0]
        for a in (odds, sums)
    )
    within = (goal - (sums - odds)) / jnp.maximum(odds, jnp.finfo(odds.dtype).tiny)
    return which, odds / total, jnp.clip(within, 0, 1)


def nested_posterior_means(
    process: Process,
    z: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    images: Num[Array, "n *d"],
    sketch: Sketch,
    offsets: Float[Array, "b 2"],
    allowed: Allowed | None = None,
    *,
    candidates: int,
    subset: int,
    decode: Decode = as_they_are,
) -> Float[Array, "2 b *d"]:
    """Two estimates of E[x0 | z] from `candidates` and `subset` images each.

    Independent given z if the `offsets` are, uniform in [0, 1). Each example must be allowed an
    image. With a subset of 0 the other images are left out, which is right where z decides.
    """
    y = (z / over_images(process.alpha(log_snr), z)).reshape(len(z), -1)
    logs = likelihoods(y, log_snr, sketch, allowed)
    picked = likeliest(logs, candidates)
    near = picked.which.shape[1]
    if subset:
        row, block = jnp.divmod(picked.which, logs.shape[2])
        others = logs.at[jnp.arange(len(z))[:, None], row, block].set(-jnp.inf)
        far = drawn(others, offsets, subset)
        picked = Picked(*(jnp.concatenate(both, axis=1) for both in zip(picked, far, strict=True)))
    of = jnp.concatenate([jnp.full(near, -1), jnp.repeat(jnp.arange(2), subset)])
    belongs = (of < 0) | (of == jnp.arange(2)[:, None])

    def combine(draw: tuple[Array, ...]) -> Float[Array, "2 d"]:
        y, log_snr, index, log_count = draw
        some = decode(images[index]).reshape(len(index), -1)
        logs = jnp.where(belongs, refined(y, log_snr, some) + log_count, -jnp.inf)
        return product(jax.nn.softmax(logs, axis=1), some)

    index = jnp.minimum(picked.which, len(images) - 1)
    pair = jax.lax.map(combine, (y, log_snr, index, picked.log_count), batch_size=AT_ONCE)
    return jnp.moveaxis(pair, 1, 0).reshape(2, *z.shape)


def nested_error(x0: Float[Array, "b *d"], pair: Float[Array, "2 b *d"]) -> Float[Array, " b"]:
    """(x0 - D1) . (x0 - D2) per pixel for two estimates of E[x0 | z] that know z and not x0.

    Its mean is the least loss plus E|E[x0|z] - E[D|z]|^2: an upper bound with only the square of
    the estimates' bias in excess, their variance having dropped out.
    """
    axes = tuple(range(1, x0.ndim))
    return jnp.mean((x0 - pair[0]) * (x0 - pair[1]), axis=axes)
