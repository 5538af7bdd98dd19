"""Fresh samples of a sweep: one finished run per rung, the same captions and noise for all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from scaling.build import best_weights
from scaling.config import RunConfig
from scaling.data.source import load
from scaling.errors import InputError
from scaling.measure.samples import make_sampler, to_uint8
from scaling.run import weights_of
from sweeps.store import Store, StoredRun
from sweeps.store.writing import read_json


@dataclass(frozen=True)
class Drawn:
    """One rung's images [n, height, width, channels] of 0..255, a caption each."""

    rung: str
    parameters: int
    images: np.ndarray
    captions: list[str]


def representatives(store: Store) -> list[StoredRun]:
    """The finished run of lowest seed of each rung, smallest rung first."""
    best: dict[str, StoredRun] = {}
    for run, state in store.states():
        if state.status == "finished":
            rung = run.record["rung"]
            if rung not in best or run.record["seed"] < best[rung].record["seed"]:
                best[rung] = run
    if not best:
        raise InputError(f"{store.directory}: no run has finished yet, so there is none to sample")
    return sorted(best.values(), key=lambda run: run.record["parameters"])


def draw(
    store: Store, changes: dict[str, Any], captions: Sequence[str], weights: str | None
) -> Iterator[Drawn]:
    """Sample each representative with its own settings, `changes` (of `measure.samples`) applied.

    Without `captions` the data source's own are used. Raises InputError for weights a run lacks.
    """
    for run in representatives(store):
        config = RunConfig.model_validate(run.record["config"])
        samples = config.measure.samples.model_copy(update=changes)
        source = load(config.data)
        prompts = list(captions) or source.default_captions(max(samples.count, 1), samples.seed)
        result = read_json(run.directory / "result.json")
        checkpoints = run.directory / "attempts" / str(result["attempt"]) / "checkpoints"
        parameters = weights_of(
            config, checkpoints, result["step"], weights or best_weights(config)
        )
        one_run = jax.tree.map(lambda leaf: leaf[None], parameters)
        images = to_uint8(make_sampler(config, source, samples, prompts)(one_run)[0])
        yield Drawn(config.model.rung, run.record["parameters_non_embedding"], images, prompts)
