"""The image towers of OpenAI's CLIP (Radford et al. 2021), from their own or transformers' keys."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from models.networks import layout
from models.networks.functional import Parameters
from models.networks.layout import Entries, Entry
from scaling import weights
from scaling.measure.features.network import Network, compiled
from scaling.measure.features.resize import CROPPED_BICUBIC
from scaling.measure.features.vision_transformer import (
    EXPANSION,
    Tower,
    forward,
    norm_entries,
    quick_gelu,
)

COMMON = {
    "activation": quick_gelu,
    "epsilon": 1e-5,
    "mean": (0.48145466, 0.4578275, 0.40821073),
    "deviation": (0.26862954, 0.26130258, 0.27577711),
}
TOWERS = {
    "clip_b32": Tower(width=768, depth=12, heads=12, patch=32, pixels=224, **COMMON),
    "clip_b16": Tower(width=768, depth=12, heads=12, patch=16, pixels=224, **COMMON),
    "clip_l14": Tower(width=1024, depth=24, heads=16, patch=14, pixels=224, **COMMON),
    "clip_l14_336": Tower(width=1024, depth=24, heads=16, patch=14, pixels=336, **COMMON),
}
FEATURES = {768: 512, 1024: 768}
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
    found = layout.from_public(name, arrays, transformers(tower, features))
    blocks = found["blocks"]
    parts = [blocks.pop(part) for part in ("query", "key", "value")]
    blocks["qkv"] = {
        kind: np.concatenate([part[kind] for part in parts], axis=-1) for kind in ("kernel", "bias")
    }
    return found


def openai(tower: Tower, features: int) -> Entries:
    """The keys of OpenAI's release, and of OpenCLIP."""
    d, wide = tower.width, EXPANSION * tower.width
    found = stem("visual.conv1", tower)
    found["visual.class_embedding"] = Entry((d,), ("class",))
    found["visual.positional_embedding"] = Entry((tokens(tower), d), ("positions",))
    found["visual.proj"] = Entry((d, features), ("project", "kernel"))
    found |= norm_entries("visual.ln_pre", "norm_before", d)
    found |= norm_entries("visual.ln_post", "norm", d)
    for i in range(tower.depth):
        block = f"visual.transformer.resblocks.{i}"
        to_heads = Entry((3 * d, d), ("blocks", "qkv", "kernel"), i, np.transpose)
        found[f"{block}.attn.in_proj_weight"] = to_heads
        found[f"{block}.attn.in_proj_bias"] = Entry((3 * d,), ("blocks", "qkv", "bias"), i)
        found |= layout.linear(f"{block}.attn.out_proj", ("blocks", "out"), d, d, i)
        found |= layout.linear(f"{block}.mlp.c_fc", ("blocks", "expand"), d, wide, i)
        found |= layout.linear(f"{block}.mlp.c_proj", ("blocks", "contract"), wide, d, i)
        found |= norm_entries(f"{block}.ln_1", "norm_1", d, i)
        found |= norm_entries(f"{block}.ln_2", "norm_2", d, i)
    return found


def transformers(tower: Tower, features: int) -> Entries:
    """The keys of the library transformers; one letter is missing in `pre_layrnorm`."""
    d, wide = tower.width, EXPANSION * tower.width
    model, embeddings = "vision_model", "vision_model.embeddings"
    found = stem(f"{embeddings}.patch_embedding", tower)
    found[f"{embeddings}.class_embedding"] = Entry((d,), ("class",))
    positions = Entry((tokens(tower), d), ("positions",))
    found[f"{embeddings}.position_embedding.weight"] = positions
    found |= layout.linear("visual_projection", ("project",), d, features, bias=False)
    found |= norm_entries(f"{model}.pre_layrnorm", "norm_before", d)
    found |= norm_entries(f"{model}.post_layernorm", "norm", d)
    heads = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}
    for i in range(tower.depth):
        block = f"{model}.encoder.layers.{i}"
        for ours, public in heads.items():
            found |= layout.linear(f"{block}.self_attn.{public}", ("blocks", ours), d, d, i)
        found |= layout.linear(f"{block}.mlp.fc1", ("blocks", "expand"), d, wide, i)
        found |= layout.linear(f"{block}.mlp.fc2", ("blocks", "contract"), wide, d, i)
        found |= norm_entries(f"{block}.layer_norm1", "norm_1", d, i)
        found |= norm_entries(f"{block}.layer_norm2", "norm_2", d, i)
    return found


def stem(public: str, tower: Tower) -> Entries:
    """The patches' matrix, which has no bias."""
    found = layout.patches(public, ("patch",), 3, tower.patch, tower.width)
    return {f"{public}.weight": found[f"{public}.weight"]}


def tokens(tower: Tower) -> int:
    """One a patch, and the class token."""
    return 1 + (tower.pixels // tower.patch) ** 2
