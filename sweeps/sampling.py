"""Fresh samples of a sweep: one finished run per rung, the same captions and noise for all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from pydantic import ValidationError

from scaling import snapshots
from scaling.build import best_weights
from scaling.config import RunConfig, SampleConfig
from scaling.data.source import load
from scaling.errors import InputError
from scaling.measure.samples import IMAGES_AT_ONCE, as_stored, description, make_sampler
from scaling.run import weights_of
from scaling.train import sharding
from sweeps.store import Store, StoredRun
from sweeps.store.writing import read_json


@dataclass(frozen=True)
class Drawn:
    """One rung's images [n, height, width, channels] of 0..255, or latents, a caption each."""

    rung: str
    parameters: int
    images: np.ndarray
    captions: list[str]
    about: dict[str, Any]


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


def guide_among(runs: Sequence[StoredRun], rung: str) -> StoredRun:
    """The run of that rung, to guide all with; InputError where it cannot."""
    found = {run.record["rung"]: run for run in runs}
    if rung not in found:
        raise InputError(
            f"no finished run of rung '{rung}' to guide with; there are {', '.join(found)}"
        )
    guide = RunConfig.model_validate(found[rung].record["config"])
    for other in runs:
        config = RunConfig.model_validate(other.record["config"])
        alike = (
            config.data == guide.data
            and config.diffusion.process == guide.diffusion.process
            and config.diffusion.prediction == guide.diffusion.prediction
        )
        if not alike:
            raise InputError(
                f"rung '{rung}' cannot guide '{other.record['rung']}': a guide needs the same "
                "data, diffusion.process and diffusion.prediction"
            )
    return found[rung]


def changed(samples: SampleConfig, changes: dict[str, Any]) -> SampleConfig:
    """`samples` with `changes`; a sampler may be named alone. InputError for what is invalid."""
    given = {**samples.model_dump(), **changes}
    if changes.get("sampler") == samples.sampler.name:
        given["sampler"] = samples.sampler.model_dump()  # with the manifest's parameters
    elif "sampler" in changes:
        given["sampler"] = {"name": changes["sampler"]}
    try:
        return SampleConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(f"samples: {where}: {first['msg']}") from None


def _weights(
    run: StoredRun, config: RunConfig, weights: str | None, step: int | None = None
) -> Any:
    """The run's parameters, at its last step or an earlier one, with a run axis of length one."""
    result, name = read_json(run.directory / "result.json"), weights or best_weights(config)
    attempt = run.directory / "attempts" / str(result["attempt"])
    if step is None:
        parameters = weights_of(config, attempt / "checkpoints", result["step"], name)
    else:
        parameters = snapshots.weights_at(attempt / "snapshots", config, step, name)
    return jax.tree.map(lambda leaf: leaf[None], parameters)


def draw(
    store: Store,
    changes: dict[str, Any],
    captions: Sequence[str],
    weights: str | None,
    guide_with: str | None = None,
    guide_at: int | None = None,
) -> Iterator[Drawn]:
    """Sample each representative with its own settings, `changes` (of `measure.samples`) applied.

    Without `captions` the data source's own are used. `guide_with` names the rung for autoguidance,
    whose network is the one of step `guide_at` where that is given.
    Raises InputError for weights a run lacks, for settings that are wrong, for a rung that cannot
    guide, and for a step without a snapshot.
    """
    runs = representatives(store)
    guide, guide_weights = None, ()
    if guide_with is not None:
        guiding = guide_among(runs, guide_with)
        guide = RunConfig.model_validate(guiding.record["config"])
        guide_weights = (_weights(guiding, guide, weights, guide_at),)
    elif guide_at is not None:
        raise InputError("the step of a guide is given, but no rung to guide with")
    told = guide_with if guide_at is None else f"{guide_with} at step {guide_at}"
    for run in runs:
        config = RunConfig.model_validate(run.record["config"])
        samples = changed(config.measure.samples, changes)
        source = load(config.data)
        prompts = list(captions) or source.default_captions(max(samples.count, 1), samples.seed)
        mesh = sharding.make_mesh(1, min(len(prompts), IMAGES_AT_ONCE))
        sampler = make_sampler(config, source, samples, prompts, mesh=mesh, guide=guide)
        networks = jax.device_put(
            (_weights(run, config, weights), *guide_weights), sharding.per_run(mesh)
        )
        yield Drawn(
            config.model.rung,
            run.record["parameters_non_embedding"],
            as_stored(config, sampler(*networks)[0]),
            prompts,
            description(samples, told),
        )
