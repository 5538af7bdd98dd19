"""A judge of how natural an image looks, which reads no caption: BRISQUE (Mittal et al. 2012)."""

from collections.abc import Sequence

import numpy as np
from PIL import __version__ as pillow

from scaling.config.judge_files import brisque_files, sha256
from scaling.config.judge_sections import Brisque
from scaling.errors import InputError
from scaling.measure.judges import support_vectors
from scaling.measure.judges.judge import Images, Judge, Scores, scoring
from scaling.measure.judges.scene_statistics import features

SMALLEST = 64
"""Pixels a side: below them there is not enough to fit distributions to at half the size."""
FEATURES = 36


def judge(config: Brisque, side: int) -> Judge:
    """Minus BRISQUE, which is 0 for the best and about 100 for the worst image.

    InputError for images of fewer than 64 pixels a `side`, and for files of another kind.
    """
    check(side)
    model, scale = (each.path for each in brisque_files(config))
    regression = support_vectors.regression(model, FEATURES)
    ranged = support_vectors.scale(scale, FEATURES)
    about = {
        "judge": config.name,
        "score": "minus BRISQUE",
        "model": sha256(model),
        "range": sha256(scale),
        "grey": f"Pillow {pillow}'s L",
    }

    def score(images: Images, captions: Sequence[str]) -> Scores:
        check(min(images.shape[1:3]))
        found = np.stack([features(image) for image in images])
        return -np.concatenate([regression(ranged(row[None])) for row in found])

    return scoring(config.name, about, score)


def check(side: int) -> None:
    """InputError for images that are too small."""
    if side < SMALLEST:
        raise InputError(
            f"judge 'brisque' is for photographs of {SMALLEST} pixels a side or more, and these "
            f"have {side}; leave it out of measure.preference.judges"
        )
