"""What fixes a DiT's parameters."""

from dataclasses import dataclass
from typing import Literal

from models.inputs import Inputs
from models.ladder import Rung

Conditioning = Literal["pooled", "class", "in_context", "cross_attention"]
Noise = Literal["log_snr", "timestep"]


@dataclass(frozen=True, kw_only=True)
class DiTShape:
    """Everything that fixes the parameters' shapes; ValueError where `conditioning` cannot be.

    Conditions enter as the mean of their vectors through a linear layer ("pooled"), as the vector
    of one class ("class", as published), as tokens beside the patches ("in_context") or as keys
    and values of a third sublayer ("cross_attention"); the last two also pool.

    `noise` says what the network is told of the noise level: log-SNR, or as in the published
    weights the step of DDPM's linear schedule. Published networks also predict a variance for each
    channel (`learned_variance`), which is computed and dropped here.
    """

    rung: Rung
    inputs: Inputs
    patch_size: int
    conditioning: Conditioning = "pooled"
    frequencies: int = 32
    noise: Noise = "log_snr"
    learned_variance: bool = False

    def __post_init__(self):
        given = self.inputs
        if self.conditioning == "class" and (given.length != 1 or given.embedding_width):
            kind = "vectors" if given.embedding_width else "numbers"
            raise ValueError(
                f"conditioning 'class' needs one number for each image, not {given.length} {kind}"
            )

    @property
    def patch_values(self) -> int:
        """Numbers in one patch of the image."""
        return self.patch_size**2 * self.inputs.channels

    @property
    def output_values(self) -> int:
        """Numbers that the last layer gives for one patch."""
        return self.patch_values * (1 + self.learned_variance)

    @property
    def side(self) -> int:
        """Patches along one side of an image."""
        return self.inputs.size // self.patch_size

    @property
    def tokens(self) -> int:
        """Patches in an image."""
        return self.side**2

    @property
    def condition_width(self) -> int:
        """Numbers in the vector of one condition, looked up or given."""
        return self.inputs.embedding_width or self.rung.width

    @property
    def context_length(self) -> int:
        """Vectors that conditions give to attend to: none's and one each; 0 if never attended."""
        attended = self.conditioning in ("in_context", "cross_attention")
        return (1 + self.inputs.length) * attended
