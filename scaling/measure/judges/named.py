"""The judges that a manifest asks for: built in, or of the user's own file."""

from collections.abc import Callable, Mapping

import numpy as np

from scaling.config import RunConfig
from scaling.config.preference import JudgeFromFile, JudgeName
from scaling.data.source import Source
from scaling.measure.judges import caption_match, real_or_generated, user
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


JUDGES: Mapping[JudgeName, Callable[[Eye, RunConfig, Source], Judge]] = {
    "real_or_generated": lambda eye, config, source: real_or_generated.judge(eye),
    "caption_match": _caption_match,
}


def judge_of(
    asked: JudgeName | JudgeFromFile, eye: Eye, config: RunConfig, source: Source
) -> Judge:
    """The judge asked for; InputError where a user's file does not give one."""
    if isinstance(asked, JudgeFromFile):
        return user.judge(asked)
    return JUDGES[asked](eye, config, source)
