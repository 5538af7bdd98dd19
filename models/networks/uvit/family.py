"""The sizes of U-ViT: published ones, and smaller ones for CPU work."""

import math

from models.family import Family, Published
from models.inputs import Inputs
from models.ladder import Rung, table
from models.networks.uvit.count import layers
from models.networks.uvit.shape import UViTShape

# Small rungs are named by their parameters on 16-pixel emoji with patches of 2. Blocks are odd in
# number; heads have 24 channels where the width allows, else 16 or 18 (published: 64 or 72).
RUNGS = table(
    # name  blocks width heads
    ("20k", 3, 16, 1),
    ("40k", 3, 24, 1),
    ("70k", 3, 36, 2),
    ("120k", 3, 48, 2),
    ("250k", 3, 72, 3),
    ("450k", 5, 80, 5),
    ("1M", 5, 120, 5),
    ("2M", 7, 144, 6),
    ("4M", 7, 208, 13),
    ("11M", 9, 304, 19),
    ("S", 13, 512, 8),
    ("S-deep", 17, 512, 8),
    ("M", 17, 768, 12),
    ("L", 21, 1024, 16),
    ("H", 29, 1152, 16),
)

CIFAR = Inputs(size=32, channels=3)
COCO = Inputs(size=32, channels=4, length=77, embedding_width=768)  # latents; CLIP's vectors
IMAGENET_64 = Inputs(size=64, channels=3, vocabulary=1001)
IMAGENET_256 = Inputs(size=32, channels=4, vocabulary=1001)  # latents
IMAGENET_512 = Inputs(size=64, channels=4, vocabulary=1001)  # latents


def published(
    name: str, rung: Rung, inputs: Inputs, patch_size: int, parameters: str, **options: object
) -> Published:
    """As in the paper's released configurations."""
    shape = UViTShape(rung=rung, inputs=inputs, patch_size=patch_size, noise="timestep", **options)  # pyright: ignore[reportArgumentType]
    return Published(name=name, shape=shape, parameters=parameters, multiply_adds="")


CLASSES = {"conditioning": "class"}
CAPTIONS = {"conditioning": "in_context", "schedule": "stable_diffusion"}
HUGE = {"conditioning": "class", "schedule": "stable_diffusion", "convolution": False}

PUBLISHED = (  # arXiv 2209.12152, table 1, and the tables of results for the class-conditional
    published("U-ViT-S/2 on CIFAR-10", RUNGS["S"], CIFAR, 2, "44", conditioning="none"),
    published("U-ViT-S/2 on MS-COCO", RUNGS["S"], COCO, 2, "45", **CAPTIONS),
    published("U-ViT-S/2 (Deep) on MS-COCO", RUNGS["S-deep"], COCO, 2, "58", **CAPTIONS),
    published("U-ViT-M/4 on ImageNet 64", RUNGS["M"], IMAGENET_64, 4, "131", **CLASSES),
    published("U-ViT-L/4 on ImageNet 64", RUNGS["L"], IMAGENET_64, 4, "287", **CLASSES),
    published("U-ViT-L/2 on ImageNet 256", RUNGS["L"], IMAGENET_256, 2, "287", **CLASSES),
    published("U-ViT-H/2 on ImageNet 256", RUNGS["H"], IMAGENET_256, 2, "501", **HUGE),
    published("U-ViT-L/4 on ImageNet 512", RUNGS["L"], IMAGENET_512, 4, "287", **CLASSES),
    published("U-ViT-H/4 on ImageNet 512", RUNGS["H"], IMAGENET_512, 4, "501", **HUGE),
)


def initial(path: tuple[str, ...], width: int, inputs: int, outputs: int) -> float:
    """0.02 as published, more below 512 channels; PyTorch's own where a convolution stands."""
    if path[0] in ("patch", "convolution"):
        return 1 / math.sqrt(3 * inputs)
    return 0.02 * max(1.0, math.sqrt(512 / width))


UVIT = Family(
    name="uvit",
    rungs=RUNGS,
    shape=UViTShape,
    layers=layers,
    network="models.networks.uvit.network:UViT",
    published=PUBLISHED,
    initial=initial,
    conditionings=("pooled", "class", "in_context", "none"),
    head_width=24,
    aspect=(12.0, 49.0),
    odd_depth=True,
)
