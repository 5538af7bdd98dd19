"""Holds the nested floor against the exact one: its cost, and whether it agrees. Prints Markdown.

    python -m benchmarks.floors [--size 16] [--timed 4096] [--rounds 5] [--examples 512] [--seeds 3]
    python -m benchmarks.floors --images 8192 16384 32768 [--timed 64]

Both are computed for the same draws on the embedded emoji. Costs are CPU seconds of the examples
beyond the first block, so that compiling and the sketch drop out; rounds take turns, and medians
over them are compared, of all and of what each spends beyond the noise that both draw alike.
Agreement is in standard errors: of the nested floor itself (stated), and of the difference on
common noise (paired).

With `--images` sets of so many images of 64x64x3, emoji made larger, moved and mirrored, are timed
instead, and a line through what an example costs in them is drawn out to a million images. On a GPU
or TPU the seconds are the clock's.
"""

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from analysis.formats import Sheet, markdown
from scaling import environment
from scaling.config import RunConfig
from scaling.data.source import EvaluationSet, Source, load
from scaling.measure import floor
from scaling.measure.levels import EXAMPLES_AT_ONCE, common_noise
from scaling.measure.rows import mean_and_error

LEVELS = (-8.0, -5.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
METHODS = ("exact", "nested")
MANY = 1_000_000  # images


def configured(method: str, size: int, conditional: bool, seed: int) -> RunConfig:
    """A run that measures the floor at `LEVELS`."""
    return RunConfig.model_validate(
        {
            "data": {"source": "emoji", "size": size},
            "model": {"family": "dit", "rung": "20k", "patch_size": 2},
            "train": {"steps": 100},
            "measure": {
                "log_snr": LEVELS,
                "seed": seed,
                "floor": {"method": method, "conditional": conditional},
            },
        }
    )


def errors(
    method: str, source: Source, size: int, count: int, conditional: bool = False, seed: int = 0
) -> Float[np.ndarray, "n k"]:
    """Of the best denoiser on `count` training images."""
    config = configured(method, size, conditional, seed)
    return floor.compute(config, source, source.train_sample(count, seed))


def seconds(source: Source, size: int, count: int, rounds: int) -> dict[str, float]:
    """CPU seconds (the clock's on a device) of `count` examples more than one block, by method."""
    clock = time.process_time if jax.default_backend() == "cpu" else time.perf_counter
    spent = {}
    for _ in range(1 + rounds):  # the first compiles
        for method in METHODS:
            for examples in (EXAMPLES_AT_ONCE, EXAMPLES_AT_ONCE + count):
                start = clock()
                errors(method, source, size, examples)
                spent.setdefault((method, examples), []).append(clock() - start)
    middle = {which: statistics.median(found[1:]) for which, found in spent.items()}
    return {
        method: middle[method, EXAMPLES_AT_ONCE + count] - middle[method, EXAMPLES_AT_ONCE]
        for method in METHODS
    }


def noise_alone(size: int, count: int) -> float:
    """CPU seconds of drawing the noise of so many examples."""

    @jax.jit
    def of_block(ids: Int[Array, " b"]) -> Float[Array, "k b"]:
        def at(level: Int[Array, ""]) -> Float[Array, " b"]:
            return common_noise(0, ids, level, jnp.int32(0), (size * size * 3,)).sum(axis=1)

        return jax.lax.map(at, jnp.arange(len(LEVELS)))

    blocks = np.arange(EXAMPLES_AT_ONCE)
    of_block(blocks).block_until_ready()  # compiles
    start = time.process_time()
    for first in range(0, count, EXAMPLES_AT_ONCE):
        of_block(first + blocks).block_until_ready()
    return time.process_time() - start


def costs(source: Source, asked: argparse.Namespace) -> Sheet:
    """CPU seconds by method, and the ratio."""
    exact, nested = seconds(source, asked.size, asked.timed, asked.rounds).values()
    noise = statistics.median(noise_alone(asked.size, asked.timed) for _ in range(asked.rounds))
    figures = (exact, nested, noise, nested / exact, (nested - noise) / (exact - noise))
    return Sheet(
        title=f"{asked.timed} emoji of {asked.size} pixels, {len(LEVELS)} levels",
        headings=("exact, CPU s", "nested, CPU s", "noise, CPU s", "ratio", "beyond the noise"),
        rows=(tuple(f"{figure:.3g}" for figure in figures),),
    )


def agreement(source: Source, asked: argparse.Namespace) -> Sheet:
    """The largest difference at any level, in standard errors of two kinds."""
    rows = []
    for conditional in (False, True):
        for seed in range(asked.seeds):
            given = (source, asked.size, asked.examples, conditional, seed)
            exact, nested = (errors(method, *given) for method in METHODS)
            value, error = mean_and_error(nested)
            apart, spread = mean_and_error(nested - exact)
            stated = np.abs(value - exact.mean(0)) / np.maximum(error, 1e-12)
            paired = np.abs(apart) / np.maximum(spread, 1e-9)
            figures = stated.max(), paired.max(), np.sqrt(np.mean(paired**2))
            told = (f"{figure:.2f}" for figure in figures)
            rows.append(("yes" if conditional else "no", str(seed), *told))
    headings = ("conditional", "seed", "stated, most", "paired, most", "paired, rms")
    return Sheet(title="Nested minus exact", headings=headings, rows=tuple(rows))


def enlarged(emoji: Source, count: int) -> Source:
    """`count` images of 64 pixels from those of 32: doubled, moved at random, half mirrored."""
    rng = np.random.default_rng(0)
    known = np.asarray(emoji.arrays.images)
    images = np.empty((count, 64, 64, 3), np.uint8)
    for row, moves in enumerate(rng.integers(64, size=(count, 2))):
        image = known[row % len(known)].repeat(2, 0).repeat(2, 1)
        images[row] = np.roll(image[:, :: rng.choice([-1, 1])], moves, (0, 1))
    tokens = np.zeros((count, 1), np.int32)
    rows = np.arange(count, dtype=np.int32)

    def sample(examples: int, seed: int) -> EvaluationSet:
        some = np.random.default_rng(seed).choice(rows, examples)
        return EvaluationSet(images[some].astype(np.float32) / 127.5 - 1, tokens[some], some)

    arrays = emoji.arrays._replace(images=jnp.asarray(images), tokens=tokens)
    return replace(emoji, arrays=arrays, examples=count, train_sample=sample)


def growth(asked: argparse.Namespace) -> Sheet:
    """Seconds an example by the number of images, and what a pair of both costs at each level."""
    emoji, size = load(configured("exact", 32, False, 0).data), 32
    found = {method: [] for method in METHODS}
    for count in asked.images:
        source = enlarged(emoji, count)
        for method, spent in seconds(source, size, asked.timed, asked.rounds).items():
            found[method].append(spent / asked.timed)
    lines = {method: np.polyfit(asked.images, found[method], 1) for method in METHODS}
    far = [float(np.polyval(lines[method], MANY)) for method in METHODS]

    def row(name: str, count: int, exact: float, nested: float) -> tuple[str, ...]:
        pairs = count * len(LEVELS) / 1e9
        each = f"{exact:.3g}", f"{nested:.3g}", f"{exact / pairs:.3g}", f"{nested / pairs:.3g}"
        return (name, *each, f"{nested / exact:.3g}")

    measured = zip(asked.images, *found.values(), strict=True)
    return Sheet(
        title=f"An example at {len(LEVELS)} levels, images of 64x64x3",
        headings=(
            "images",
            "exact, s",
            "nested, s",
            "exact, ns a pair",
            "nested, ns a pair",
            "ratio",
        ),
        rows=(
            *(row(f"{count:,}", count, *both) for count, *both in measured),
            row(f"{MANY:,}, by a line", MANY, *far),
        ),
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--timed", type=int, default=4096, help="examples that are timed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=512, help="examples that are compared")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, nargs="+", help="time sets of so many, of 64 pixels")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        environment.use_compilation_cache(Path(cache))
        if asked.images:
            print(markdown(growth(asked)))
            return
        source = load(configured("exact", asked.size, False, 0).data)
        print(markdown(costs(source, asked)))
        print(markdown(agreement(source, asked)))


if __name__ == "__main__":
    main()
