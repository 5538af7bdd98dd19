"""How much a density lowers the variance of the loss and of its gradient: prints Markdown tables.

    python -m benchmarks.variance [--rung 40k] [--steps 600] [--batches 200]

One network is trained on each weighting; the densities that training finds have their state from a
training of their own, and all are then compared at the same weights, on the same training images.
"""

import argparse
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from benchmarks.rungs import at_rung
from scaling import build, environment
from scaling.config import RunConfig
from scaling.data.order import batch_indices
from scaling.data.source import Source, load
from scaling.train.gradients import gradients
from scaling.train.losses import batches as draws
from scaling.train.losses import weighted_losses
from scaling.train.program import TrainState, make_program
from scaling.train.program import rates as rates_of
from sweeps.manifest import load as load_manifest

DENSITIES = ("cosine", "uniform", "adaptive", "learned")
WEIGHTINGS: dict[str, dict[str, Any]] = {
    "elbo": {"name": "elbo"},
    "v-error, Laplace": {"name": "density", "density": {"name": "laplace"}},
}


def configured(base: dict[str, Any], density: str, implied: dict[str, Any]) -> RunConfig:
    """The run with another density and weighting."""
    diffusion = {**base["diffusion"], "density": {"name": density}, "implied": implied}
    return RunConfig.model_validate({**base, "diffusion": diffusion})


def trained(config: RunConfig, source: Source, steps: int, per_call: int = 50) -> TrainState:
    """The state after `steps` steps of one run."""
    program = make_program(config, source)
    seeds = np.array([config.seed], np.int32)
    rates = jax.tree.map(
        lambda leaf: jnp.asarray(leaf)[None],
        rates_of(config),
    )
    state = program.init(seeds)
    for first in range(0, steps, per_call):
        drawn = batch_indices(
            config.seed, first, per_call, config.train.batch_size, source.examples
        )
        indices = jnp.asarray(drawn)[None]
        state = program.advance(
            state, seeds, rates, source.arrays, indices, np.int32(first), np.int32(per_call)
        )
    return jax.tree.map(lambda leaf: leaf[0], state)


def drawn(config: RunConfig, source: Source, seed: int, first: int, count: int) -> np.ndarray:
    """The examples of `count` batches."""
    if source.examples is None:
        raise SystemExit("the manifest's data has no fixed set of examples")
    return batch_indices(seed, first, count, config.train.batch_size, source.examples)


def variances(
    config: RunConfig, source: Source, parameters: Any, schedule: Any, batches: int
) -> tuple[float, float, float]:
    """Variance of one example's loss, of a stratified batch's, and of its gradient (the trace)."""
    draw, of_batch = draws(config, source), gradients(weighted_losses(config), 1)

    @jax.jit
    def one(key: jax.Array, index: jax.Array) -> tuple[jax.Array, jax.Array]:
        each, gradient = of_batch(parameters, draw(schedule, source.arrays, key, index))
        return each, ravel_pytree(gradient)[0]

    order = drawn(config, source, 1, 0, batches)
    keys = jax.random.split(jax.random.key(1), batches)
    found = [one(key, jnp.asarray(index)) for key, index in zip(keys, order, strict=True)]
    each = np.array([loss for loss, _ in found], float)
    of_gradient = np.array([gradient for _, gradient in found]).var(axis=0).sum()
    return each.var(), each.mean(axis=1).var(), float(of_gradient)


def table(title: str, rows: dict[str, Sequence[float]]) -> None:
    """Each variance as a multiple of the cosine density's."""
    print(f"\n### {title}\n\n| density | one example | a batch | its gradient |\n|---|---|---|---|")
    for name, row in rows.items():
        cells = (f"{value / base:.3f}" for value, base in zip(row, rows["cosine"], strict=True))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rung", default="40k")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--batches", type=int, default=200)
    chosen = parser.parse_args()
    environment.use_compilation_cache(None)
    base = at_rung(next(iter(load_manifest("quickstart").runs)).config, chosen.rung)
    for title, implied in WEIGHTINGS.items():
        configs = {name: configured(base, name, implied) for name in DENSITIES}
        source = load(configs["cosine"].data)
        parameters = trained(configs["cosine"], source, chosen.steps).parameters
        rows = {}
        for name, config in configs.items():
            schedule = build.schedule(config).init()
            if jax.tree.leaves(schedule):
                schedule = trained(config, source, chosen.steps).schedule
            rows[name] = variances(config, source, parameters, schedule, chosen.batches)
        table(f"Variance against the cosine density: {title}", rows)


if __name__ == "__main__":
    main()
