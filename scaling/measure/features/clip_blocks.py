"""The blocks of CLIP's two towers in both public layouts (Radford et al. 2021)."""

import numpy as np

from models.networks import layout
from models.networks.functional import Parameters
from models.networks.layout import Entries, Entry
from scaling.measure.features.vision_transformer import EXPANSION, norm_entries


def openai(public: str, depth: int, width: int) -> Entries:
    """The keys of OpenAI's release, and of OpenCLIP."""
    found: Entries = {}
    d, wide = width, EXPANSION * width
    for i in range(depth):
        block = f"{public}.{i}"
        to_heads = Entry((3 * d, d), ("blocks", "qkv", "kernel"), i, np.transpose)
        found[f"{block}.attn.in_proj_weight"] = to_heads
        found[f"{block}.attn.in_proj_bias"] = Entry((3 * d,), ("blocks", "qkv", "bias"), i)
        found |= layout.linear(f"{block}.attn.out_proj", ("blocks", "out"), d, d, i)
        found |= layout.linear(f"{block}.mlp.c_fc", ("blocks", "expand"), d, wide, i)
        found |= layout.linear(f"{block}.mlp.c_proj", ("blocks", "contract"), wide, d, i)
        found |= norm_entries(f"{block}.ln_1", "norm_1", d, i)
        found |= norm_entries(f"{block}.ln_2", "norm_2", d, i)
    return found


def transformers(public: str, depth: int, width: int) -> Entries:
    """The keys of the library transformers, which keeps queries, keys and values apart."""
    found: Entries = {}
    d, wide = width, EXPANSION * width
    heads = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}
    for i in range(depth):
        block = f"{public}.{i}"
        for ours, public_name in heads.items():
            found |= layout.linear(f"{block}.self_attn.{public_name}", ("blocks", ours), d, d, i)
        found |= layout.linear(f"{block}.mlp.fc1", ("blocks", "expand"), d, wide, i)
        found |= layout.linear(f"{block}.mlp.fc2", ("blocks", "contract"), wide, d, i)
        found |= norm_entries(f"{block}.layer_norm1", "norm_1", d, i)
        found |= norm_entries(f"{block}.layer_norm2", "norm_2", d, i)
    return found


def joined(parameters: Parameters) -> Parameters:
    """Queries, keys and values of transformers as one product."""
    blocks = dict(parameters["blocks"])
    parts = [blocks.pop(part) for part in ("query", "key", "value")]
    blocks["qkv"] = {
        kind: np.concatenate([part[kind] for part in parts], axis=-1) for kind in ("kernel", "bias")
    }
    return parameters | {"blocks": blocks}
