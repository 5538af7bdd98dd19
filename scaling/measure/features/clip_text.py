"""CLIP's text towers (Radford et al. 2021, section 2.4), from OpenCLIP's or transformers' keys."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from models.networks import layout
from models.networks.functional import Parameters
from models.networks.layout import Entries, Entry
from scaling.measure.features import clip, clip_blocks
from scaling.measure.features.vision_transformer import (
    TextTower,
    linear,
    norm,
    norm_entries,
    stacked,
)

SIZES = {768: (512, 12, 8), 1024: (768, 12, 12), 1280: (1024, 24, 16)}
"""Width, depth and heads beside an image tower of each width."""
TOWERS = {
    name: TextTower(*SIZES[image.width], image.activation) for name, image in clip.TOWERS.items()
}
START, END = "<|startoftext|>", "<|endoftext|>"
"""Around every caption. That of the end has the greatest number in the vocabulary."""


def forward(
    parameters: Parameters, tokens: Int[Array, "n t"], tower: TextTower
) -> tuple[Float[Array, "n d"]]:
    """The projected activations at each caption's end; what stands behind it is not seen."""
    x = parameters["words"][tokens] + parameters["positions"]
    x = stacked(parameters["blocks"], x, tower, causal=True)
    ends = jnp.argmax(tokens, axis=1)  # the first of them, where padding is of ends, too
    x = norm(parameters["norm"], x[jnp.arange(len(x)), ends], tower.epsilon)
    return (linear(parameters["project"], x),)


def from_public(
    name: str, arrays: Mapping[str, np.ndarray], tower: TextTower, features: int
) -> Parameters:
    """Our parameters from either layout; ValueError names keys and shapes that do not fit."""
    if "token_embedding.weight" in arrays:
        return layout.from_public(name, arrays, openai(tower, features))
    found = layout.from_public(name, arrays, transformers(tower, features))
    return clip_blocks.joined(found)


def openai(tower: TextTower, features: int) -> Entries:
    """The keys of OpenAI's release, and of OpenCLIP."""
    d = tower.width
    return {
        "token_embedding.weight": Entry((tower.vocabulary, d), ("words",)),
        "positional_embedding": Entry((tower.context, d), ("positions",)),
        "text_projection": Entry((d, features), ("project", "kernel")),
        **norm_entries("ln_final", "norm", d),
        **clip_blocks.openai("transformer.resblocks", tower.depth, d),
    }


def transformers(tower: TextTower, features: int) -> Entries:
    """The keys of the library transformers."""
    d = tower.width
    embeddings = "text_model.embeddings"
    return {
        f"{embeddings}.token_embedding.weight": Entry((tower.vocabulary, d), ("words",)),
        f"{embeddings}.position_embedding.weight": Entry((tower.context, d), ("positions",)),
        **layout.linear("text_projection", ("project",), d, features, bias=False),
        **norm_entries("text_model.final_layer_norm", "norm", d),
        **clip_blocks.transformers("text_model.encoder.layers", tower.depth, d),
    }
