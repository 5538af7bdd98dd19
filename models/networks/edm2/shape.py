"""What fixes an EDM2's parameters, and the blocks that follow from it."""

from dataclasses import dataclass
from typing import Literal

from models.inputs import Inputs
from models.ladder import Rung

MULTIPLIERS = (1, 2, 3, 4)
"""Channels of each level over the rung's width (arXiv 2312.02696, config G)."""
SMALLEST_SIDE = 4
ATTENTION_UP_TO = 16
"""Largest side, in patches, of a level that attends."""

CONDITIONINGS = ("pooled", "class")
Resample = Literal["keep", "down", "up"]


@dataclass(frozen=True, kw_only=True)
class Block:
    """One residual block, at `side` x `side` after its resampling.

    `joins` is the number of channels of the encoder's output that is concatenated to its input;
    `inputs` counts them.
    """

    name: str
    side: int
    inputs: int
    outputs: int
    decodes: bool = False
    resample: Resample = "keep"
    attends: bool = False
    joins: int = 0

    @property
    def side_before(self) -> int:
        """The side of what enters, before its resampling."""
        return {"keep": self.side, "down": 2 * self.side, "up": self.side // 2}[self.resample]


@dataclass(frozen=True, kw_only=True)
class EDM2Shape:
    """Everything that fixes the parameters' shapes; ValueError for a conditioning it cannot have.

    A rung's depth is the number of blocks on a level of the encoder (one more in the decoder), its
    width that of the first level; heads have width / heads channels on all levels. As many of the
    multipliers are used as halvings leave at least 4 patches a side. A patch's pixels become
    channels before the first convolution (1 pixel as published).

    Conditions enter as the vector of one class ("class", as published) or as the sum of the
    caption's vectors over the square root of their number ("pooled"), which preserves magnitude and
    is the same for one word.
    """

    rung: Rung
    inputs: Inputs
    patch_size: int
    conditioning: str = "pooled"

    def __post_init__(self) -> None:
        if self.conditioning not in CONDITIONINGS:
            raise ValueError(f"edm2 takes conditions 'pooled' or 'class', not {self.conditioning}")
        if self.conditioning == "class" and self.inputs.embedding_width:
            raise ValueError("conditions that are vectors are 'pooled', not numbers of a 'class'")

    @property
    def side(self) -> int:
        """Patches along one side of an image."""
        return self.inputs.size // self.patch_size

    @property
    def patch_values(self) -> int:
        """Numbers in one patch of the image."""
        return self.patch_size**2 * self.inputs.channels

    @property
    def classes(self) -> int:
        """Numbers that a condition may be, without none; the published label_dim."""
        return 0 if self.inputs.embedding_width else self.inputs.vocabulary - 1

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels of each level, the finest first."""
        sides = [self.side]
        while sides[-1] % 2 == 0 and sides[-1] // 2 >= SMALLEST_SIDE:
            sides.append(sides[-1] // 2)
        return tuple(m * self.rung.width for m, _ in zip(MULTIPLIERS, sides, strict=False))

    @property
    def embedding(self) -> int:
        """Width of the vector that steers every block."""
        return max(self.widths)

    def heads(self, channels: int) -> int:
        """Of attention among so many channels."""
        return channels * self.rung.heads // self.rung.width

    @property
    def encoder(self) -> list[Block]:
        """Its blocks, the finest level first, without the first convolution."""
        blocks, last = [], self.rung.width
        for level, width in enumerate(self.widths):
            side = self.side >> level
            attends = side <= ATTENTION_UP_TO
            if level > 0:
                blocks.append(
                    Block(
                        name=f"{side}x{side}_down",
                        side=side,
                        inputs=last,
                        outputs=last,
                        resample="down",
                    )
                )
            for i in range(self.rung.depth):
                name = f"{side}x{side}_block{i}"
                blocks.append(
                    Block(name=name, side=side, inputs=last, outputs=width, attends=attends)
                )
                last = width
        return blocks

    @property
    def decoder(self) -> list[Block]:
        """Its blocks, the coarsest level first, without the last convolution."""
        skips = [self.rung.width] + [block.outputs for block in self.encoder]
        blocks, last = [], self.widths[-1]

        def add(name: str, outputs: int, joins: int = 0, **options: Resample | bool) -> None:
            blocks.append(
                Block(
                    name=f"{side}x{side}_{name}",
                    side=side,
                    inputs=last + joins,
                    outputs=outputs,
                    joins=joins,
                    decodes=True,
                    **options,  # pyright: ignore[reportArgumentType]
                )
            )

        for level, width in reversed(list(enumerate(self.widths))):
            side = self.side >> level
            if level == len(self.widths) - 1:
                add("in0", last, attends=True)
                add("in1", last)
            else:
                add("up", last, resample="up")
            for i in range(self.rung.depth + 1):
                add(f"block{i}", width, skips.pop(), attends=side <= ATTENTION_UP_TO)
                last = width
        return blocks
