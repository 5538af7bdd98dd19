"""What a run costs, known before it starts and without jax."""

import math
from dataclasses import dataclass
from typing import Literal

from models.compute import Rematerialise
from models.counting import Counts
from models.families import FAMILIES, count
from models.family import Shape
from models.inputs import Inputs
from models.ladder import Rung
from scaling.config import RunConfig, SampleConfig
from scaling.config.horizons import horizons, sampled_at
from scaling.data.facts import facts
from scaling.data.memory import CALL_BYTES
from scaling.errors import InputError
from scaling.mesh import MeshShape, devices_to_hold, mesh_shape

BYTES_PER_NUMBER = 4
BYTES = {"float32": 4, "bfloat16": 2}


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Parameters by convention, FLOPs per training image, and bytes of training state."""

    parameters: int
    parameters_non_embedding: int
    parameters_active: int
    training_flops_per_image: int
    forward_flops_per_image: int
    state_bytes: int  # weights, gradients, Adam's two moments and every average
    activation_bytes: int  # of one image, kept for the backward pass


def shape(config: RunConfig) -> Shape:
    """Everything that fixes the parameters of the run's network."""
    return shape_of(config, config.model.size)


def shape_of(config: RunConfig, rung: Rung) -> Shape:
    """The same in another size; InputError where the family cannot be so."""
    about, model = facts(config.data), config.model
    family = FAMILIES[model.family]
    try:
        return (family.published_shape if model.published else family.shape)(
            rung=rung,
            inputs=Inputs(
                size=about.size,
                channels=about.channels,
                vocabulary=about.vocabulary,
                length=about.caption_length,
                embedding_width=about.embedding_width,
            ),
            patch_size=model.patch_size,
            conditioning=model.conditioning,
        )
    except ValueError as error:
        raise InputError(f"model: {error}") from None


def counts(config: RunConfig) -> Counts:
    """Counted from the configuration alone."""
    return count(config.model.family, shape(config))


def costs(config: RunConfig) -> Costs:
    """What enters a run's record."""
    counted = counts(config)
    train = config.train
    copies = 4 + len(train.averaged)
    return Costs(
        parameters=counted.parameters,
        parameters_non_embedding=counted.parameters_non_embedding,
        parameters_active=counted.parameters_active,
        training_flops_per_image=counted.training_flops,
        forward_flops_per_image=counted.forward_flops,
        state_bytes=copies * BYTES_PER_NUMBER * counted.parameters,
        activation_bytes=counted.kept[train.rematerialise] * BYTES[train.precision],
    )


def evaluations(sampler: str, steps: int) -> int:
    """Of the network in sampling an image unguided, as models.diffusion.samplers counts them.

    Those of a user's own sampler are taken to be one a step.
    """
    return 2 * steps - 1 if sampler == "heun" else steps


def sampling_flops(config: RunConfig) -> int:
    """Of the samples that are measured or compared, had the dearest setting been the best."""
    given, forward = config.measure.distances, counts(config).forward_flops
    tried = given.inference

    def of(drawing: SampleConfig) -> int:
        guided = drawing.guidance_scale != 1
        return evaluations(drawing.sampler.name, drawing.steps) * (1 + guided) * drawing.count

    preferred = config.measure.preference
    times = len(sampled_at(config.measure, config.train.steps))
    every = len(horizons(config.measure.horizons, config.train.steps))
    compared = every if preferred.horizons == "all" else 1
    images = of(given.drawing) * given.repeats * times
    if preferred.shares(given):
        more = max(preferred.samples - given.images, 0)
        images += of(preferred.drawing(given).model_copy(update={"count": more})) * times
        compared = max(compared - times, 0)
    images += of(preferred.drawing(given)) * compared
    if tried.sweeps:
        kept = [item.drawing(given.drawing, tried.keep, given.seed) for item in tried.settings]
        images += sum(map(of, kept))
        for count, seed in ((tried.samples, tried.seed), (given.images, given.seed)):
            tries = [of(item.drawing(given.drawing, count, seed)) for item in tried.settings]
            images += sum(tries) if seed == tried.seed else max(tries)
    return images * forward


def activation_bytes(config: RunConfig, devices: int, rematerialise: Rematerialise) -> int:
    """What the backward pass keeps of a part of one device's share of a batch, were it so."""
    train = config.train
    images = max(train.batch_size / train.parts / devices, 1)
    return round(counts(config).kept[rematerialise] * BYTES[train.precision] * images)


def layout(
    config: RunConfig,
    runs: int,
    *,
    devices: int,
    fsdp: int | Literal["auto"],
    usable_bytes: float | None,
) -> MeshShape:
    """The mesh of a cohort by `scaling.mesh.RULE`, in `scaling plan` as in training.

    `usable_bytes` of each device, if they are known. InputError where `fsdp` does not divide.
    """
    batch = config.train.batch_size
    if fsdp == "auto":
        state = float(costs(config).state_bytes)
        fsdp = devices_to_hold(state, usable_bytes, math.gcd(devices, batch))
    try:
        return mesh_shape(runs, batch, devices, fsdp)
    except ValueError as error:
        raise InputError(str(error)) from None


def device_bytes(config: RunConfig, devices: int, fsdp: int) -> int:
    """Memory of each of the devices that train one run, `fsdp` of them holding its state."""
    kept = activation_bytes(config, devices, config.train.rematerialise)
    return round(costs(config).state_bytes / fsdp) + kept


def input_bytes(config: RunConfig, runs: int, mesh: MeshShape, steps_per_call: int) -> int:
    """Memory of each device for training examples of a cohort of so many runs.

    All of them where they are held; else those of a call, and of the next.
    """
    about = facts(config.data)
    if about.held:
        return about.training_bytes
    images = runs // mesh.run * steps_per_call * config.train.batch_size // mesh.of_one_run
    return 2 * min(about.example_bytes * images, CALL_BYTES)
