"""The sizes of U-ViT: published ones, and smaller ones for CPU work."""

import math

from models.family import Family, Published
from models.inputs import Inputs
from models.ladder import Rung, table
from models.networks.uvit.count import layers
from models.networks.uvit.shape import Conditioning, UViTShape

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


def published_shape(
    *, rung: Rung, inputs: Inputs, patch_size: int, conditioning: Conditioning
) -> UViTShape:
    """As in the paper's released configurations.

    The largest network and those of captions know the noise by Stable Diffusion's steps; the
    largest has no final convolution.
    """
    huge = rung.name == "H"
    captions = conditioning in ("in_context", "pooled")
    return UViTShape(
        rung=rung,
        inputs=inputs,
        patch_size=patch_size,
        conditioning=conditioning,
        noise="timestep",
        schedule="stable_diffusion" if huge or captions else "continuous",
        convolution=not huge,
    )


def published(
    name: str,
    rung: str,
    inputs: Inputs,
    patch_size: int,
    parameters: str,
    conditioning: Conditioning = "class",
) -> Published:
    """One network of the paper."""
    shape = published_shape(
        rung=RUNGS[rung], inputs=inputs, patch_size=patch_size, conditioning=conditioning
    )
    return Published(name=name, shape=shape, parameters=parameters, multiply_adds="")


PUBLISHED = (  # arXiv 2209.12152, table 1, and the tables of results for the class-conditional
    published("U-ViT-S/2 on CIFAR-10", "S", CIFAR, 2, "44", "none"),
    published("U-ViT-S/2 on MS-COCO", "S", COCO, 2, "45", "in_context"),
    published("U-ViT-S/2 (Deep) on MS-COCO", "S-deep", COCO, 2, "58", "in_context"),
    published("U-ViT-M/4 on ImageNet 64", "M", IMAGENET_64, 4, "131"),
    published("U-ViT-L/4 on ImageNet 64", "L", IMAGENET_64, 4, "287"),
    published("U-ViT-L/2 on ImageNet 256", "L", IMAGENET_256, 2, "287"),
    published("U-ViT-H/2 on ImageNet 256", "H", IMAGENET_256, 2, "501"),
    published("U-ViT-L/4 on ImageNet 512", "L", IMAGENET_512, 4, "287"),
    published("U-ViT-H/4 on ImageNet 512", "H", IMAGENET_512, 4, "501"),
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
    published_shape=published_shape,
    layers=layers,
    network="models.networks.uvit.network:UViT",
    published=PUBLISHED,
    initial=initial,
    conditionings=("pooled", "class", "in_context", "none"),
    head_width=24,
    aspect=(12.0, 49.0),
    odd_depth=True,
)
