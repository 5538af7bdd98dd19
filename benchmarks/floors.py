"""Holds the nested floor against the exact one: its cost, and whether it agrees. Prints Markdown.

    python -m benchmarks.floors [--size 16] [--timed 4096] [--rounds 5] [--examples 512] [--seeds 3]

Both are computed for the same draws on the embedded emoji. Costs are CPU seconds of the examples
beyond the first block, so that compiling and the sketch drop out; rounds take turns, and the ratio
is the median over rounds. Each holds the noise, which both draw alike. Agreement is in standard
errors: of the nested floor itself (stated), and of the difference on common noise (paired).
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from jaxtyping import Float

from analysis.formats import Sheet, markdown
from scaling import environment
from scaling.config import RunConfig
from scaling.data.source import Source, load
from scaling.measure import floor
from scaling.measure.levels import EXAMPLES_AT_ONCE
from scaling.measure.rows import mean_and_error

LEVELS = (-8.0, -5.0, -3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0)
METHODS = ("exact", "nested")


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


def seconds(method: str, source: Source, size: int, count: int) -> float:
    """CPU seconds of `count` examples more than one block."""
    spent = []
    for examples in (EXAMPLES_AT_ONCE, EXAMPLES_AT_ONCE + count):
        start = time.process_time()
        errors(method, source, size, examples)
        spent.append(time.process_time() - start)
    return spent[1] - spent[0]


def costs(source: Source, asked: argparse.Namespace) -> Sheet:
    """CPU seconds by method, and the ratio."""
    for method in METHODS:
        seconds(method, source, asked.size, EXAMPLES_AT_ONCE)  # compiles
    rounds = [
        {method: seconds(method, source, asked.size, asked.timed) for method in METHODS}
        for _ in range(asked.rounds)
    ]
    exact, nested = ([found[method] for found in rounds] for method in METHODS)
    ratios = [b / a for a, b in zip(exact, nested, strict=True)]
    return Sheet(
        title=f"{asked.timed} emoji of {asked.size} pixels, {len(LEVELS)} levels",
        headings=("exact, CPU s", "nested, CPU s", "ratio", "least", "most"),
        rows=(
            (
                f"{statistics.median(exact):.2f}",
                f"{statistics.median(nested):.2f}",
                f"{statistics.median(ratios):.3f}",
                f"{min(ratios):.3f}",
                f"{max(ratios):.3f}",
            ),
        ),
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


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--size", type=int, default=16)
    parser.add_argument("--timed", type=int, default=4096, help="examples that are timed")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--examples", type=int, default=512, help="examples that are compared")
    parser.add_argument("--seeds", type=int, default=3)
    asked = parser.parse_args()
    source = load(configured("exact", asked.size, False, 0).data)
    with tempfile.TemporaryDirectory() as cache:
        environment.use_compilation_cache(Path(cache))
        print(markdown(costs(source, asked)))
        print(markdown(agreement(source, asked)))


if __name__ == "__main__":
    main()
