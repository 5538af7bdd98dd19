"""What a run costs, known before it starts and without jax."""

from dataclasses import dataclass

from models.counting import COUNTS
from models.ladder import LADDERS
from scaling.config import RunConfig
from scaling.data.facts import facts

BYTES_PER_NUMBER = 4


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Parameters by convention, FLOPs per training image, and bytes of training state."""

    parameters: int
    parameters_non_embedding: int
    training_flops_per_image: int
    state_bytes: int  # weights, gradients, Adam's two moments and every average


def costs(config: RunConfig) -> Costs:
    """Counted from the configuration alone."""
    about = facts(config.data)
    counts = COUNTS[config.model.family](
        LADDERS[config.model.family][config.model.rung],
        size=about.size,
        channels=about.channels,
        patch_size=config.model.patch_size,
        vocabulary=about.vocabulary,
    )
    copies = 4 + len(config.train.averaged)
    return Costs(
        parameters=counts.parameters,
        parameters_non_embedding=counts.parameters_non_embedding,
        training_flops_per_image=counts.training_flops,
        state_bytes=copies * BYTES_PER_NUMBER * counts.parameters,
    )
