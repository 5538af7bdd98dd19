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

from models.diffusion.finite.exact import Allowed, Decode, as_they_are
from models.diffusion.finite.sketch import Sketch, product
from models.diffusion.process import Process, over_images

BLOCKS = 256  # at least, in which images are searched
READ = 2**21  # pixels decoded at once, so that they stay in a cache
RANGE = 60.0  # nats by which probabilities of a drawing differ at most


class Index(NamedTuple):
    """What images are found by: directions, and coordinates with half their square, in columns."""

    directions: Float[Array, "pixels k"]
    table: Float[Array, "k+1 columns"]


class Search(NamedTuple):
    """Log-likelihoods of images in blocks, -inf without one, and the best of each block.

    Image j = row * blocks + block lies in about sqrt(n) blocks: those made alike lie in several.
    """

    logs: Float[Array, "b rows blocks"]
    best: Float[Array, "b blocks"]

    def inside(self, block: Int[Array, "b m"]) -> Float[Array, "b rows m"]:
        """Of the images in some blocks."""
        return jnp.take_along_axis(self.logs, block[:, None], axis=2)

    def number(self, row: Int[Array, "b m"], block: Int[Array, "b m"]) -> Int[Array, "b m"]:
        """Of the image in a row of a block."""
        return row * self.best.shape[1] + block


class Picked(NamedTuple):
    """Images by number, and the log of how many images each one stands for."""

    which: Int[Array, "b m"]
    log_count: Float[Array, "b m"]


def _blocks(count: int) -> int:
    return min(count, max(BLOCKS, math.isqrt(count)))


def index(sketch: Sketch, count: int) -> Index:
    """Of the leading `count` coordinates, with columns of nothing that fill the rows of blocks."""
    known = sketch.known[:, :count]
    half = jnp.sum(known**2, axis=1, keepdims=True) / 2
    spare = -len(known) % _blocks(len(known))
    table = jnp.pad(jnp.concatenate([known, half], axis=1), ((0, spare), (0, 0)))
    return Index(sketch.directions[:, :count], table.T)


def searched(
    y: Float[Array, "b d"],
    log_snr: Float[Array, " b"],
    known: Index,
    count: int,
    allowed: Allowed | None = None,
) -> Search:
    """Likelihoods given a sketch of y, up to a constant: exp(lambda) (y . x_j - |x_j|^2 / 2)."""
    query = jnp.pad(product(y, known.directions), ((0, 0), (0, 1)), constant_values=-1)
    logs = product(jnp.exp(log_snr)[:, None] * query, known.table)
    spare = logs.shape[1] - count
    if allowed is None and spare:
        allowed = jnp.ones((1, count), bool)
    if allowed is not None:
        logs = jnp.where(jnp.pad(allowed, ((0, 0), (0, spare))), logs, -jnp.inf)
    logs = logs.reshape(len(y), -1, _blocks(count))
    return Search(logs, jnp.max(logs, axis=1))


def likeliest(search: Search, count: int) -> tuple[Picked, Int[Array, "b blocks"], Search]:
    """The best image of each of the `count` best blocks, each standing for itself.

    Also which row they take of each block, -1 for none, and the search with the others' best.
    """
    every = jnp.arange(len(search.best))[:, None]
    ranks, block = jax.lax.top_k(search.best, min(count, search.best.shape[1]))
    inside = search.inside(block)
    rows = jnp.arange(inside.shape[1])[:, None]
    row = jnp.min(jnp.where(inside == ranks[:, None], rows, len(rows) - 1), axis=1)
    others = jnp.max(jnp.where(rows == row[:, None], -jnp.inf, inside), axis=1)
    taken = jnp.full(search.best.shape, -1).at[every, block].set(row)
    log_count = jnp.where(jnp.isneginf(ranks), -jnp.inf, 0.0)
    rest = search._replace(best=search.best.at[every, block].set(others))
    return Picked(search.number(row, block), log_count), taken, rest


def drawn(
    search: Search, taken: Int[Array, "b blocks"], offsets: Float[Array, "b e"], size: int
) -> Picked:
    """`size` images not taken for each offset in [0, 1), evenly along the sum of probabilities.

    First their blocks, as likely as each one's likeliest image, then the images within, as likely
    as they are, so that exponentials of all the n need not be taken.
    """
    at = ((jnp.arange(size) + offsets[..., None]) / size).reshape(len(offsets), -1)
    block, share, at = _at(search.best[..., None], at)
    inside = search.inside(block)
    gone = jnp.take_along_axis(taken, block, axis=1)[:, None]
    inside = jnp.where(jnp.arange(inside.shape[1])[:, None] == gone, -jnp.inf, inside)
    row, part, _ = _at(inside, at)
    probability = share * part
    log_count = jnp.where(probability > 0, -jnp.log(probability * size), -jnp.inf)
    return Picked(search.number(row, block), log_count)


def _at(
    logs: Float[Array, "b m #s"], at: Float[Array, "b s"]
) -> tuple[Int[Array, "b s"], Float[Array, "b s"], Float[Array, "b s"]]:
    """Which of m the fraction `at` of their sum falls in, its probability, and how far into it."""
    top = jnp.max(logs, axis=1, keepdims=True)
    odds = jnp.exp(jnp.maximum(logs - jnp.where(jnp.isneginf(top), 0, top), -RANGE))
    odds = jnp.where(jnp.isneginf(logs), 0, odds)
    numbers, tiny = jnp.arange(odds.shape[1]), jnp.finfo(odds.dtype).tiny
    below = (numbers <= numbers[:, None]).astype(odds.dtype)
    sums = jnp.matmul(below, odds, precision="highest")  # quicker than jnp.cumsum
    total = jnp.maximum(sums[:, -1], tiny)
    goal = at * total
    which = jnp.minimum(jnp.sum(sums <= goal[:, None], axis=1), len(numbers) - 1)
    own, end = (_taken(a, which) for a in (odds, sums))
    within = (goal - (end - own)) / jnp.maximum(own, tiny)
    return which, own / total, jnp.clip(within, 0, 1)


def _taken(rows: Float[Array, "b m #s"], which: Int[Array, "b s"]) -> Float[Array, "b s"]:
    """One of the m for each s; by numbers, which is quicker than by a mask."""
    if rows.shape[2] == 1:
        return jnp.take_along_axis(rows[..., 0], which, axis=1)
    return jnp.take_along_axis(rows, which[:, None], axis=1)[:, 0]


def nested_posterior_means(
    process: Process,
    z: Float[Array, "b *d"],
    log_snr: Float[Array, " b"],
    images: Num[Array, "n *d"],
    known: Index,
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
    search = searched(y, log_snr, known, len(images), allowed)
    picked, taken, rest = likeliest(search, candidates)
    near = picked.which.shape[1]
    if subset:
        far = drawn(rest, taken, offsets, subset)
        picked = Picked(*(jnp.concatenate(both, axis=1) for both in zip(picked, far, strict=True)))
    of = jnp.concatenate([jnp.full(near, -1), jnp.repeat(jnp.arange(2), subset)])
    belongs = (of < 0) | (of == jnp.arange(2)[:, None])

    def combine(draw: tuple[Array, ...]) -> Float[Array, "2 d"]:
        """With log-weights relative to the first, as `refined` has them, as two products."""
        y, log_snr, which, log_count = draw
        some = decode(images[which]).reshape(len(which), -1)
        apart = some - some[0]
        logs = product(apart, (y - some[0])[:, None])[:, 0] - jnp.sum(apart**2, axis=1) / 2
        logs = jnp.where(belongs, jnp.exp(log_snr) * logs + log_count, -jnp.inf)
        return some[0] + product(jax.nn.softmax(logs, axis=1), apart)

    which = jnp.minimum(picked.which, len(images) - 1)
    at_once = 1 << max(0, (READ // (which.shape[1] * y.shape[1])).bit_length() - 1)
    pair = jax.lax.map(combine, (y, log_snr, which, picked.log_count), batch_size=at_once)
    return jnp.moveaxis(pair, 1, 0).reshape(2, *z.shape)


def nested_error(x0: Float[Array, "b *d"], pair: Float[Array, "2 b *d"]) -> Float[Array, " b"]:
    """(x0 - D1) . (x0 - D2) per pixel for two estimates of E[x0 | z] that know z and not x0.

    Its mean is the least loss plus E|E[x0|z] - E[D|z]|^2: an upper bound with only the square of
    the estimates' bias in excess, their variance having dropped out.
    """
    axes = tuple(range(1, x0.ndim))
    return jnp.mean((x0 - pair[0]) * (x0 - pair[1]), axis=axes)
