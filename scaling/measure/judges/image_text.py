"""Judges by two towers that take an image and its caption to one space: CLIP and its heirs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from scaling.config.judge_files import clip_files, sha256, tokenizer_files
from scaling.config.judge_sections import ClipScore, PreferenceScore
from scaling.errors import InputError
from scaling.measure.features import clip_towers, protocol
from scaling.measure.features.clip_towers import Towers
from scaling.measure.features.resize import CROPPED_BICUBIC, PADDED_BICUBIC, Resize
from scaling.measure.judges import tokens
from scaling.measure.judges.caption_match import unit
from scaling.measure.judges.eye import Eye
from scaling.measure.judges.judge import Images, Judge, Scores, scoring
from scaling.weights import PICKLES, refusal

HEIRS = "openclip_h14"
"""The towers that PickScore and HPS started from."""
REMEMBERED = 8
"""Sets of captions whose features are held, as of pictures."""


class Kind(NamedTuple):
    """The score of cosines [n] and of the network's own scale; how images come to their size."""

    formula: str
    score: Callable[[Float[np.ndarray, " n"], float], Scores]
    resize: Resize = CROPPED_BICUBIC


KINDS: Mapping[str, Kind] = {
    # CLIP-S = w max(cos(c, v), 0) with w = 2.5: Hessel et al. 2021, arXiv 2104.08718, section 3.
    "clip_score": Kind("2.5 max(cosine, 0)", lambda cosine, scale: 2.5 * np.maximum(cosine, 0.0)),
    # E_text . E_image T with the learnt T: Kirstain et al. 2023, arXiv 2305.01569.
    "pickscore": Kind("exp(scale) cosine", lambda cosine, scale: np.exp(scale) * cosine),
    # Wu et al. 2023, arXiv 2306.09341, as its package scores: without the constant in front.
    "hps_v2": Kind("cosine", lambda cosine, scale: cosine, PADDED_BICUBIC),
    "hps_v2_1": Kind("cosine", lambda cosine, scale: cosine, PADDED_BICUBIC),
}
NESTED, UNDER = ("hps_v2", "hps_v2_1"), "state_dict"
"""Published as pickles whose arrays lie under a key."""


def judge(config: ClipScore | PreferenceScore) -> Judge:
    """By the weights and the tokenizer on disk; InputError where they are others than said."""
    clip = isinstance(config, ClipScore)
    towers, own = (config.network, config.network) if clip else (HEIRS, config.name)
    path, words = (each.path for each in clip_files(config, own))
    if config.name in NESTED and path.suffix.lower() in PICKLES:
        raise InputError(refusal(path, f"a {path.suffix} file is a pickle", UNDER))
    try:
        found = clip_towers.load(towers, path, sha256(path))
    except ValueError as error:
        raise InputError(f"judge '{config.name}': {path}: {error}") from error
    encoder = tokens.for_clip(words, found.size.vocabulary)
    return of_towers(
        config.name,
        found,
        lambda captions: tokens.encode(encoder, captions, found.size.context)[0],
        {"tokenizer": [sha256(file) for file in tokenizer_files(words)]},
        prefix=config.prefix if clip else "",
    )


def of_towers(
    name: str,
    towers: Towers,
    encode: Callable[[Sequence[str]], Int[np.ndarray, "n t"]],
    about: Mapping[str, Any],
    *,
    prefix: str = "",
) -> Judge:
    """The judge `name` by any towers; `encode` makes tokens of captions, each after `prefix`."""
    kind = KINDS[name]
    eye = Eye(replace(towers.image, resize=kind.resize))
    told = {
        "judge": name,
        "score": kind.formula,
        "prefix": prefix,
        "features": asdict(protocol.of(eye.network)),
        **about,
    }

    @lru_cache(maxsize=REMEMBERED)
    def read(captions: tuple[str, ...]) -> Float[np.ndarray, "n d"]:
        return unit(towers.text(encode([prefix + caption for caption in captions])))

    def score(images: Images, captions: Sequence[str]) -> Scores:
        seen = unit(eye(images).astype(np.float64))
        return kind.score(np.sum(seen * read(tuple(captions)), axis=1), towers.scale)

    return scoring(name, told, score)
