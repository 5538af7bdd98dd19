"""Where the time of a training step goes: CPU ms of each part, compiled alone. Prints Markdown.

    python -m benchmarks.parts [--rungs 20k 120k 1M 11M] [--tokens 16] [--batch 64] [--seconds 3]

Each part is repeated within one compiled call, as training repeats steps, on one core where it is
started so (`taskset -c 0`). The parts are those of `scaling.train.program`: drawing the batch and
its noise, the loss, its gradient beyond that, AdamW with its clipping, and averages of the weights.
The whole step is measured too; parts compiled alone may add up to a little more or less. `products`
is what the step's matrix products would take at the machine's rate of one large product.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from analysis.formats import Sheet, markdown
from benchmarks.measure import MATMUL_SIZE, timed
from models import ema
from scaling import build, environment
from scaling.config import RunConfig
from scaling.costs import costs
from scaling.data.source import Source, load
from scaling.train import optimiser
from scaling.train.gradients import gradients
from scaling.train.losses import batches, weighted_losses
from scaling.train.program import make_program, make_step, rates

PATCH_SIZES = {16: 4, 64: 2}
REPEATS = 8  # of a part in a call
HEADINGS = (
    *("rung", "tokens", "step", "batch and noise", "loss", "its gradient beyond", "AdamW"),
    *("averages", "products"),
)


def repeated(part: Callable[[Any, Int[Array, ""]], Any]) -> Callable[[Any], Any]:
    """`part(carried, i)` that many times in one compiled call; what it returns is carried on."""
    return jax.jit(
        lambda carried: jax.lax.fori_loop(0, REPEATS, lambda i, c: part(c, i), carried),
        compiler_options=environment.compiler_options(),
    )


def milliseconds(part: Callable[[Any, Int[Array, ""]], Any], carried: Any, seconds: float) -> float:
    """CPU time of one repeat."""
    call = repeated(part)
    spent = timed(lambda: jax.block_until_ready(call(carried)), seconds)[1]
    return 1e3 * spent / REPEATS


def parts(config: RunConfig, source: Source, seconds: float) -> list[float]:
    """CPU ms of the whole step, and of each part in the order of the headings."""
    seeds = np.zeros(1, np.int32)
    state = jax.tree.map(lambda leaf: leaf[0], make_program(config, source).init(seeds))
    draw, losses = batches(config, source), weighted_losses(config)
    gradient = gradients(losses, 1)
    index = jnp.arange(config.train.batch_size, dtype=jnp.int32)
    schedule, key, own = build.schedule(config).init(), jax.random.key(0), rates(config)
    factors = build.factors(config)
    rate_factors = factors.rate if factors else None
    step = make_step(config, source, rate_factors)
    widths = {build.ema_name(width): width for width in config.train.averaged}

    def drawn(total: Array, i: Array) -> Array:
        batch = draw(schedule, source.arrays, jax.random.fold_in(key, i), index)
        return total + jnp.sum(batch.images) + jnp.sum(batch.noise) + jnp.sum(batch.log_snr)

    batch = jax.jit(draw)(schedule, source.arrays, key, index)
    moved = jax.jit(lambda parameters: gradient(parameters, batch)[1])(state.parameters)

    def nudged(carried: Array) -> Any:
        """The batch, changed by what was carried, so that no repeat can be left out."""
        return batch._replace(noise=batch.noise + 1e-30 * carried)

    def loss(carried: Array, i: Array) -> Array:
        return jnp.mean(losses(state.parameters, nudged(carried)))

    def both(carried: Array, i: Array) -> Array:
        found = gradient(state.parameters, nudged(carried))[1]
        return sum((jnp.sum(leaf) for leaf in jax.tree.leaves(found)), jnp.float32(0))

    def updated(carried: Any, i: Array) -> Any:
        parameters, moments = carried
        return optimiser.update(config.train, own, moved, moments, parameters, i, rate_factors)[:2]

    def averaged(carried: Any, i: Array) -> Any:
        return ema.update_all(carried, state.parameters, i + 1.0, widths)

    zero = jnp.float32(0)
    whole = milliseconds(
        lambda carried, i: step(carried, jnp.int32(0), own, source.arrays, index, i), state, seconds
    )
    forward, backward = milliseconds(loss, zero, seconds), milliseconds(both, zero, seconds)
    return [
        whole,
        milliseconds(drawn, zero, seconds),
        forward,
        backward - forward,
        milliseconds(updated, (state.parameters, state.moments), seconds),
        milliseconds(averaged, state.averages, seconds),
    ]


def product_rate(seconds: float) -> float:
    """FLOPs in a CPU millisecond of a large float32 product."""
    a = jnp.ones((MATMUL_SIZE, MATMUL_SIZE))
    product = jax.jit(lambda a: a @ a)
    spent = timed(lambda: product(a).block_until_ready(), seconds)[1]
    return 2 * MATMUL_SIZE**3 / (1e3 * spent)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rungs", nargs="*", default=["20k", "120k", "1M", "11M"])
    parser.add_argument("--tokens", type=int, nargs="*", default=[16], choices=PATCH_SIZES)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        environment.use_compilation_cache(Path(cache))
        rate = product_rate(asked.seconds)
        for rung in asked.rungs:
            for tokens in asked.tokens:
                given = {
                    "data": {"source": "emoji", "size": 16},
                    "model": {"family": "dit", "rung": rung, "patch_size": PATCH_SIZES[tokens]},
                    "train": {"steps": 1000, "batch_size": asked.batch},
                }
                config = RunConfig.model_validate(given)
                found = parts(config, load(config.data), asked.seconds)
                products = costs(config).training_flops_per_image * asked.batch / rate
                figures = (f"{figure:.3g}" for figure in (*found, products))
                rows.append((rung, str(tokens), *figures))
    print(markdown(Sheet(title="CPU ms a step", headings=HEADINGS, rows=tuple(rows))))


if __name__ == "__main__":
    main()
