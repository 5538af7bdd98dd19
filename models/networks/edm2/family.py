"""The sizes of EDM2: published ones, and smaller ones for CPU work."""

from models.family import Family, Published
from models.inputs import Inputs
from models.ladder import table
from models.networks.edm2.count import layers
from models.networks.edm2.shape import EDM2Shape

# Sizes differ in width alone, as the published ones do. Small rungs are named by their parameters
# on 16-pixel emoji with patches of 2: two levels, about 714 width^2 + 1,200 width parameters.
RUNGS = table(
    # name  depth width heads
    ("20k", 1, 4, 1),
    ("40k", 1, 7, 1),
    ("70k", 1, 9, 1),
    ("120k", 1, 12, 1),
    ("250k", 1, 18, 1),
    ("450k", 1, 24, 1),
    ("1M", 1, 36, 2),
    ("2M", 1, 52, 2),
    ("4M", 1, 74, 2),
    ("11M", 1, 124, 4),
    ("XXS", 3, 64, 1),
    ("XS", 3, 128, 2),
    ("S", 3, 192, 3),
    ("M", 3, 256, 4),
    ("L", 3, 320, 5),
    ("XL", 3, 384, 6),
    ("XXL", 3, 448, 7),
)

LATENTS = Inputs(size=64, channels=4, vocabulary=1001)
"""ImageNet at 512 pixels in the latents of a VAE, and 1,000 classes and none."""

TABLE = {  # arXiv 2312.02696, table 2: millions of parameters, G multiply-adds
    "XS": ("125", "46"),
    "S": ("280", "102"),
    "M": ("498", "181"),
    "L": ("777", "282"),
    "XL": ("1119", "406"),
    "XXL": ("1523", "552"),
}


def initial(path: tuple[str, ...], width: int, inputs: int, outputs: int) -> float:
    """One everywhere: weights are normalised where they are used."""
    return 1.0


EDM2 = Family(
    name="edm2",
    rungs=RUNGS,
    shape=EDM2Shape,
    published_shape=EDM2Shape,  # it has no other
    layers=layers,
    network="models.networks.edm2.network:EDM2",
    published=tuple(
        Published(
            name=f"EDM2-{rung}",
            shape=EDM2Shape(rung=RUNGS[rung], inputs=LATENTS, patch_size=1, conditioning="class"),
            parameters=parameters,
            multiply_adds=multiply_adds,
        )
        for rung, (parameters, multiply_adds) in TABLE.items()
    ),
    initial=initial,
    after_update="models.networks.edm2.weights:normalise",
    notes=(
        "Counted are the products of matrices, convolutions and attention that the released code "
        "computes, as PyTorch's counter finds them; the paper's figures are up to 2.3 % higher, "
        "and it does not say what else they hold.",
    ),
    follows_mup=False,
    drops=True,
    conditionings=("pooled", "class"),
    head_width=16,
    aspect=(16.0, 150.0),
)
