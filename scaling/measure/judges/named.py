"""The judges that a manifest asks for: built in, of published weights, or of the user's file."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scaling.config import RunConfig
from scaling.config.judge_sections import BuiltIn, FileJudge
from scaling.data.source import Source
from scaling.measure.judges import (
    brisque,
    caption_match,
    image_text,
    onnx,
    real_or_generated,
    user,
)
from scaling.measure.judges.eye import Eye
from scaling.measure.judges.judge import Judge
from scaling.measure.samples import to_uint8


def _caption_match(eye: Eye, config: RunConfig, source: Source) -> Judge:
    given = config.measure.preference
    taught = source.train_sample(given.training, 0)
    return caption_match.judge(
        eye,
        to_uint8(taught.images),
        np.asarray(taught.tokens),
        source.facts.vocabulary,
        source.encode,
    )


JUDGES: Mapping[BuiltIn, Callable[[Eye, RunConfig, Source], Judge]] = {
    "real_or_generated": lambda eye, config, source: real_or_generated.judge(eye),
    "caption_match": _caption_match,
}
FROM_FILES: Mapping[str, Callable[[Any, Source], Judge]] = {
    "file": lambda asked, source: user.judge(asked),
    "clip_score": lambda asked, source: image_text.judge(asked),
    "pickscore": lambda asked, source: image_text.judge(asked),
    "hps_v2": lambda asked, source: image_text.judge(asked),
    "hps_v2_1": lambda asked, source: image_text.judge(asked),
    "onnx": lambda asked, source: onnx.judge(asked),
    "brisque": lambda asked, source: brisque.judge(asked, source.facts.size),
}


def judge_of(asked: BuiltIn | FileJudge, eye: Eye, config: RunConfig, source: Source) -> Judge:
    """The judge asked for; InputError where a user's file does not give one."""
    if isinstance(asked, str):
        return JUDGES[asked](eye, config, source)
    return FROM_FILES[asked.name](asked, source)
