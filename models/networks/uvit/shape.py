"""What fixes a U-ViT's parameters."""

from dataclasses import dataclass
from typing import Literal

from models.inputs import Inputs
from models.ladder import Rung

Conditioning = Literal["none", "class", "pooled", "in_context"]
Noise = Literal["log_snr", "timestep"]
Schedule = Literal["continuous", "stable_diffusion"]


@dataclass(frozen=True, kw_only=True)
class UViTShape:
    """Everything that fixes the parameters' shapes, and what the network is told of the noise.

    Conditions enter as tokens beside the patches: one class ("class", as published for ImageNet),
    each vector of a caption through a linear layer ("in_context", as published for MS-COCO), the
    mean of these vectors through the same ("pooled"), or not at all ("none", as for CIFAR-10).

    The token of the noise level holds sines and cosines of log-SNR or, as in published weights, of
    the time of the schedule that they were trained with: 999 t of the linear one without steps, or
    the step, 1 to 1000, of Stable Diffusion's. The largest published networks have no final
    convolution.
    """

    rung: Rung
    inputs: Inputs
    patch_size: int
    conditioning: Conditioning = "pooled"
    noise: Noise = "log_snr"
    schedule: Schedule = "continuous"
    convolution: bool = True

    def __post_init__(self) -> None:
        if self.rung.depth % 2 == 0:
            raise ValueError(
                f"a U-ViT has an odd number of blocks, one in the middle and pairs around it; "
                f"{self.rung.depth} is even, {self.rung.depth + 1} would do"
            )
        if self.rung.width % 2:
            raise ValueError(
                f"a U-ViT's width must be even, half of it sines; {self.rung.width} is not"
            )
        if self.conditioning == "class" and self.inputs.embedding_width:
            raise ValueError(
                "conditioning 'class' looks a class up by its number, and these conditions are "
                "vectors; take 'pooled' or 'in_context'"
            )

    @property
    def pairs(self) -> int:
        """Pairs of blocks joined by a long skip connection."""
        return self.rung.depth // 2

    @property
    def patch_values(self) -> int:
        """Numbers in one patch of the image."""
        return self.patch_size**2 * self.inputs.channels

    @property
    def patches(self) -> int:
        """Patches in an image."""
        return (self.inputs.size // self.patch_size) ** 2

    @property
    def context_tokens(self) -> int:
        """Tokens that conditions take."""
        return {"none": 0, "in_context": self.inputs.length}.get(self.conditioning, 1)

    @property
    def tokens(self) -> int:
        """All tokens: of the noise level, of conditions, and patches."""
        return 1 + self.context_tokens + self.patches

    @property
    def looks_up(self) -> bool:
        """Whether conditions are numbers that a table turns into vectors."""
        return self.conditioning != "none" and not self.inputs.embedding_width

    @property
    def projects(self) -> bool:
        """Whether conditions' vectors pass a linear layer."""
        return self.conditioning in ("pooled", "in_context")
