"""CLIP's image towers (Radford et al. 2021), from OpenAI's and OpenCLIP's or transformers' keys."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from models.networks import layout
from models.networks.functional import Parameters
from models.networks.layout import Entries, Entry
from scaling import weights
from scaling.measure.features import clip_blocks as blocks
from scaling.measure.features.network import Network, compiled
from scaling.measure.features.resize import CROPPED_BICUBIC
from scaling.measure.features.vision_transformer import (
    Tower,
    forward,
    gelu,
    norm_entries,
    quick_gelu,
)

B32 = Tower(
    width=768,
    depth=12,
    heads=12,
    patch=32,
    pixels=224,
    activation=quick_gelu,
    epsilon=1e-5,
    mean=(0.48145466, 0.4578275, 0.40821073),
    deviation=(0.26862954, 0.26130258, 0.27577711),
)
B16 = B32._replace(patch=16)
L14 = B32._replace(width=1024, depth=24, heads=16, patch=14)
H14 = L14._replace(width=1280, depth=32)
HALVES = (0.5, 0.5, 0.5)
TOWERS = {
    "clip_b32": B32,
    "clip_b16": B16,
    "clip_l14": L14,
    "clip_l14_336": L14._replace(pixels=336),
    # OpenCLIP's, trained on LAION-2B (Schuhmann et al. 2022).
    "openclip_b32": B32._replace(activation=gelu),
    "openclip_b16": B16._replace(activation=gelu),
    "openclip_l14": L14._replace(activation=gelu, mean=HALVES, deviation=HALVES),
    "openclip_h14": H14._replace(activation=gelu),
}
FEATURES = {768: 512, 1024: 768, 1280: 1024}
"""By width."""
PREFIXES = ("visual.", "vision_model.", "visual_projection.")
"""Of the image tower's keys; the text tower, which may be in the same file, is not read."""
NUMBERING = "position_ids"  # 0, 1, 2, ...: in old copies of transformers' layout


def network(name: str, path: Path) -> Network:
    """Its features are the projected class token; ValueError for other weights."""
    tower = TOWERS[name]
    stored = weights.read(path, PREFIXES)
    arrays = {key: array for key, array in stored.items() if not key.endswith(NUMBERING)}
    parameters = from_public(name, arrays, tower, FEATURES[tower.width])
    return Network(
        name=name,
        sha256=weights.digest(path),
        size=tower.pixels,
        apply=compiled(partial(forward, tower=tower), parameters),
        resize=CROPPED_BICUBIC,
    )


def from_public(
    name: str, arrays: Mapping[str, np.ndarray], tower: Tower, features: int
) -> Parameters:
    """Our parameters from either layout; ValueError names keys and shapes that do not fit."""
    if any(key.startswith("visual.") for key in arrays):
        return layout.from_public(name, arrays, openai(tower, features))
    return blocks.joined(layout.from_public(name, arrays, transformers(tower, features)))


def openai(tower: Tower, features: int) -> Entries:
    """The keys of OpenAI's release, and of OpenCLIP."""
    d = tower.width
    found = stem("visual.conv1", tower)
    found["visual.class_embedding"] = Entry((d,), ("class",))
    found["visual.positional_embedding"] = Entry((tokens(tower), d), ("positions",))
    found["visual.proj"] = Entry((d, features), ("project", "kernel"))
    found |= norm_entries("visual.ln_pre", "norm_before", d)
    found |= norm_entries("visual.ln_post", "norm", d)
    return found | blocks.openai("visual.transformer.resblocks", tower.depth, d)


def transformers(tower: Tower, features: int) -> Entries:
    """The keys of the library transformers; one letter is missing in `pre_layrnorm`."""
    d = tower.width
    model, embeddings = "vision_model", "vision_model.embeddings"
    found = stem(f"{embeddings}.patch_embedding", tower)
    found[f"{embeddings}.class_embedding"] = Entry((d,), ("class",))
    positions = Entry((tokens(tower), d), ("positions",))
    found[f"{embeddings}.position_embedding.weight"] = positions
    found |= layout.linear("visual_projection", ("project",), d, features, bias=False)
    found |= norm_entries(f"{model}.pre_layrnorm", "norm_before", d)
    found |= norm_entries(f"{model}.post_layernorm", "norm", d)
    return found | blocks.transformers(f"{model}.encoder.layers", tower.depth, d)


def stem(public: str, tower: Tower) -> Entries:
    """The patches' matrix, which has no bias."""
    found = layout.patches(public, ("patch",), 3, tower.patch, tower.width)
    return {f"{public}.weight": found[f"{public}.weight"]}


def tokens(tower: Tower) -> int:
    """One a patch, and the class token."""
    return 1 + (tower.pixels // tower.patch) ** 2
