"""Both of CLIP's towers from one file, which take images and captions to one space."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from models.networks.layout import check_shapes
from scaling import weights
from scaling.measure.features import clip, clip_text
from scaling.measure.features.network import IMAGES_AT_ONCE, Network, compiled
from scaling.measure.features.resize import CROPPED_BICUBIC
from scaling.measure.features.vision_transformer import TextTower, Tower, forward

SCALE = "logit_scale"
BESIDES = ("input_resolution", "context_length", "vocab_size")
"""Numbers that OpenAI's release keeps among its weights."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Towers:
    """`text(tokens [n, context])` gives features [n, d] as the image's network does.

    `scale` is the natural logarithm of what their cosine is multiplied with in training.
    """

    image: Network
    text: Callable[[Int[np.ndarray, "n t"]], Float[np.ndarray, "n d"]]
    scale: float
    size: TextTower


@lru_cache(maxsize=8)
def load(name: str, path: Path, sha256: str) -> Towers:
    """The towers `name` with the weights of `path`; ValueError for other weights."""
    image = clip.TOWERS[name]
    arrays = weights.read(path)
    return of_arrays(
        name, arrays, image, clip_text.TOWERS[name], clip.FEATURES[image.width], sha256
    )


def of_arrays(
    name: str,
    arrays: Mapping[str, np.ndarray],
    image: Tower,
    text: TextTower,
    features: int,
    sha256: str,
) -> Towers:
    """From public keys of either layout, the scale among them."""
    check_shapes(name, {SCALE: arrays.get(SCALE, np.empty(0))}, {SCALE: ()})
    sides: dict[bool, dict[str, np.ndarray]] = {True: {}, False: {}}
    for key, array in arrays.items():
        if key not in (SCALE, *BESIDES) and not key.endswith(clip.NUMBERING):
            sides[key.startswith(clip.PREFIXES)][key] = array
    seen = clip.from_public(name, sides[True], image, features)
    read = clip_text.from_public(name, sides[False], text, features)
    network = Network(
        name=name,
        sha256=sha256,
        size=image.pixels,
        apply=compiled(partial(forward, tower=image), seen),
        resize=CROPPED_BICUBIC,
    )
    run = compiled(partial(clip_text.forward, tower=text), read)
    return Towers(
        image=network, text=partial(in_blocks, run), scale=float(arrays[SCALE]), size=text
    )


def in_blocks(
    run: Callable[[np.ndarray], tuple[np.ndarray, ...]], tokens: Int[np.ndarray, "n t"]
) -> Float[np.ndarray, "n d"]:
    """Eight captions at once, the last of them filled up, so that there is a single shape."""
    missing = -len(tokens) % IMAGES_AT_ONCE
    filled = np.pad(tokens, [(0, missing), (0, 0)], mode="edge").astype(np.int32)
    blocks = np.split(filled, len(filled) // IMAGES_AT_ONCE)
    return np.concatenate([run(block)[0] for block in blocks])[: len(tokens)]
