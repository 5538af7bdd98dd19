"""What a run costs, known before it starts and without jax."""

from dataclasses import dataclass

from models.counting import Counts
from models.families import FAMILIES, count
from models.family import Shape
from models.inputs import Inputs
from models.ladder import Rung
from scaling.config import RunConfig
from scaling.data.facts import facts

BYTES_PER_NUMBER = 4


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Parameters by convention, FLOPs per training image, and bytes of training state."""

    parameters: int
    parameters_non_embedding: int
    parameters_active: int
    training_flops_per_image: int
    forward_flops_per_image: int
    state_bytes: int  # weights, gradients, Adam's two moments and every average


def shape(config: RunConfig) -> Shape:
    """Everything that fixes the parameters of the run's network."""
    return shape_of(config, config.model.size)


def shape_of(config: RunConfig, rung: Rung) -> Shape:
    """The same in another size."""
    about, model = facts(config.data), config.model
    return FAMILIES[model.family].shape(
        rung=rung,
        inputs=Inputs(
            size=about.size,
            channels=about.channels,
            vocabulary=about.vocabulary,
            length=about.caption_length,
        ),
        patch_size=model.patch_size,
        conditioning=model.conditioning,
    )


def counts(config: RunConfig) -> Counts:
    """Counted from the configuration alone."""
    return count(config.model.family, shape(config))


def costs(config: RunConfig) -> Costs:
    """What enters a run's record."""
    counted = counts(config)
    copies = 4 + len(config.train.averaged)
    return Costs(
        parameters=counted.parameters,
        parameters_non_embedding=counted.parameters_non_embedding,
        parameters_active=counted.parameters_active,
        training_flops_per_image=counted.training_flops,
        forward_flops_per_image=counted.forward_flops,
        state_bytes=copies * BYTES_PER_NUMBER * counted.parameters,
    )
