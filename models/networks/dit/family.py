"""The sizes of DiT: published ones, and smaller ones for CPU work."""

from models.family import Family, Published, xavier
from models.inputs import Inputs
from models.ladder import Rung, table
from models.networks.dit.count import layers
from models.networks.dit.shape import Conditioning, DiTShape

# Small rungs are named by their parameters on 16-pixel emoji with patches of 2. Heads of 16 to 36
# channels, 24 where the width allows; a block holds 18 width^2 parameters.
RUNGS = table(
    # name  depth width heads
    ("20k", 1, 20, 1),
    ("40k", 2, 24, 1),
    ("70k", 2, 36, 1),
    ("120k", 2, 48, 2),
    ("250k", 3, 60, 3),
    ("450k", 4, 72, 3),
    ("1M", 5, 96, 4),
    ("2M", 5, 144, 6),
    ("4M", 6, 192, 8),
    ("11M", 7, 288, 12),
    ("S", 12, 384, 6),
    ("B", 12, 768, 12),
    ("L", 24, 1024, 16),
    ("XL", 28, 1152, 16),
)

LATENTS = Inputs(size=32, channels=4, vocabulary=1001)
"""ImageNet at 256 pixels in the latents of a VAE, and 1,000 classes and none."""

TABLE = {  # arXiv 2212.09748: millions of parameters, G multiply-adds by patch size
    "S": ("33", {8: "0.36", 4: "1.41", 2: "6.06"}),
    "B": ("130", {8: "1.42", 4: "5.57", 2: "23.01"}),
    "L": ("458", {8: "5.01", 4: "19.70", 2: "80.70"}),
    "XL": ("675", {8: "7.39", 4: "29.04", 2: "118.6"}),
}


# Text-to-image, of arXiv 2407.18290: millions of parameters. A DiT with patches of 2 in 4 channels
# and a learned variance, without class table and last modulation, its fixed positions counted, is
# all four to the last digit; the text's share is then none. Pooled text vectors through one linear
# layer, and the last modulation, add 1.5, 1.2, 0.6 and 0.5 % to that.
GU = {"S": "32.28", "B": "128.56", "L": "454.98", "XL": "671.32"}

TEXT_LATENTS = Inputs(size=32, channels=4, length=77, embedding_width=768)
"""As before, and the 77 vectors of CLIP ViT-L's text encoder."""


def published_shape(
    *, rung: Rung, inputs: Inputs, patch_size: int, conditioning: Conditioning
) -> DiTShape:
    """As in the paper's released code; also for other conditions."""
    return DiTShape(
        rung=rung,
        inputs=inputs,
        patch_size=patch_size,
        conditioning=conditioning,
        frequencies=256,
        noise="timestep",
        learned_variance=True,
    )


PUBLISHED = tuple(
    Published(
        name=f"DiT-{rung}/{patch}",
        shape=published_shape(
            rung=RUNGS[rung], inputs=LATENTS, patch_size=patch, conditioning="class"
        ),
        parameters=parameters if patch < 8 else "",  # one figure for all; larger patches add to it
        multiply_adds=multiply_adds,
    )
    for rung, (parameters, by_patch) in TABLE.items()
    for patch, multiply_adds in by_patch.items()
) + tuple(
    Published(
        name=f"Gu-{rung}",
        shape=published_shape(
            rung=RUNGS[rung], inputs=TEXT_LATENTS, patch_size=2, conditioning="pooled"
        ),
        parameters=parameters,
        multiply_adds="",
    )
    for rung, parameters in GU.items()
)
NOTES = (
    "DiT-*: every figure is the printed one, parameters to a million. In a manifest: rung S to XL, "
    "conditioning: class, published: true.",
    "Gu-* (arXiv 2407.18290): a DiT of these sizes without class table and last modulation, its "
    "fixed positions counted, has the printed parameters to the last digit; with the last "
    "modulation and pooled vectors of CLIP (77 x 768), as counted here, it has 0.5 to 1.5 % more. "
    "In a manifest: rung S to XL, conditioning: pooled, published: true.",
)

DIT = Family(
    name="dit",
    rungs=RUNGS,
    shape=DiTShape,
    published_shape=published_shape,
    layers=layers,
    network="models.networks.dit.network:DiT",
    published=PUBLISHED,
    notes=NOTES,
    initial=xavier,
    conditionings=("pooled", "class", "in_context", "cross_attention"),
    head_width=24,
    aspect=(12.0, 41.0),
)
