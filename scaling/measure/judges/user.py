"""A judge of the user's own: a function of a Python file that makes a scoring function."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scaling import build
from scaling.config.judge_sections import JudgeFromFile
from scaling.errors import InputError
from scaling.measure.judges.judge import Images, Judge, Scores, scoring


def judge(config: JudgeFromFile) -> Judge:
    """By `score(images, captions)`, which the function returns; InputError where it does not.

    Images are uint8 [n, h, w, 3], and scores n finite numbers, higher for better. An image's score
    must not hang on which others come with it.
    """
    score = build.named({}, config, object)
    if not callable(score):
        raise InputError(
            f"{config.function} must return a function of images and captions, not "
            f"{type(score).__name__}"
        )
    about: dict[str, Any] = {
        "judge": config.judge,
        "file": config.digest,
        "parameters": dict(config.parameters),
    }

    def checked(images: Images, captions: Sequence[str]) -> Scores:
        found = np.asarray(score(images, list(captions)), np.float64)
        if found.shape != (len(images),) or not np.isfinite(found).all():
            raise InputError(
                f"{config.function}: of {len(images)} images the score must be {len(images)} "
                f"finite numbers, not an array of shape {list(found.shape)} with "
                f"{np.count_nonzero(~np.isfinite(found))} that are not finite"
            )
        return found

    return scoring(config.judge, about, checked)
