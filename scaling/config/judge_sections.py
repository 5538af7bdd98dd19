"""Judges of published weights, or of a program, that the user has on disk."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from scaling.config.extension import FromFile
from scaling.config.section import Section, left_out

BuiltIn = Literal["real_or_generated", "caption_match"]
"""Of no file but what is shipped here."""
Rewarding = Literal["pickscore", "hps_v2", "hps_v2_1"]
ClipName = Literal[
    "clip_b32",
    "clip_b16",
    "clip_l14",
    "clip_l14_336",
    "openclip_b32",
    "openclip_b16",
    "openclip_l14",
    "openclip_h14",
]
WEIGHTS = "safetensors in transformers' or OpenCLIP's layout; none: in the cache, by its name"
TOKENIZER = "tokenizer.json, or a folder with vocab.json and merges.txt; none: in the cache"
Digest = Annotated[str, Field(description="of the files; filled in")]
Triple = Annotated[tuple[float, float, float], Field(strict=False)]


class JudgeFromFile(FromFile):
    """What `function(**parameters)` returns scores images [n, h, w, 3] with their captions."""

    @property
    def judge(self) -> str:
        """What the judge is called: its function."""
        return self.function.rpartition(":")[2]


class ClipScore(Section):
    """How well an image fits its caption: 2.5 max(cosine, 0) by CLIP (arXiv 2104.08718)."""

    name: Literal["clip_score"]
    network: ClipName = Field(default="clip_b32", description="OpenAI's, or OpenCLIP's of LAION-2B")
    prefix: str = Field(
        default="", description='before each caption; the paper\'s is "A photo depicts "'
    )
    weights: str = Field(default="", description=WEIGHTS)
    tokenizer: str = Field(default="", description=TOKENIZER)
    digest: Digest = ""


class PreferenceScore(Section):
    """What people chose, learnt by CLIP's two towers: PickScore, and HPS v2 and v2.1."""

    name: Rewarding
    weights: str = Field(default="", description=WEIGHTS)
    tokenizer: str = Field(default="", description=TOKENIZER)
    digest: Digest = ""


PRESETS: Mapping[str, Mapping[str, Any]] = {
    # As the package of Xu et al. 2023 (arXiv 2304.05977) transforms images and pads captions.
    "image_reward": {
        "called": "image_reward",
        "tokens": 35,
        "size": 224,
        "resize": "cropped_bicubic",
        "mean": (0.48145466, 0.4578275, 0.40821073),
        "deviation": (0.26862954, 0.26130258, 0.27577711),
    }
}
"""What programs of known networks are given."""


class OnnxJudge(Section):
    """A program in an ONNX file: pixel_values, input_ids and attention_mask to a score."""

    name: Literal["onnx"]
    preset: Literal["", "image_reward"] = Field(
        default="", description="a network whose input is known; none: as said below"
    )
    file: str = Field(min_length=1, description="the .onnx file, ImageReward's for example")
    called: str = Field(
        default="", pattern=r"^(?:[A-Za-z_]\w*)?$", description="in metrics; none: as the file is"
    )
    tokenizer: str = Field(default="", description="tokenizer.json, where captions are read")
    tokens: int = Field(default=77, ge=2, description="of a caption, where the file leaves it open")
    size: int = Field(default=224, ge=8, description="pixels a side, where the file leaves it open")
    resize: Literal["cropped_bicubic", "bicubic", "padded_bicubic"] = Field(
        default="cropped_bicubic", description="the shorter side and the middle; stretched; padded"
    )
    mean: Triple = Field(
        default=(0.48145466, 0.4578275, 0.40821073), description="of pixels in 0..1; CLIP's"
    )
    deviation: Triple = Field(
        default=(0.26862954, 0.26130258, 0.27577711), description="of pixels in 0..1; CLIP's"
    )
    digest: Digest = ""

    @model_validator(mode="before")
    @classmethod
    def _as_the_network_takes_it(cls, given: Any) -> Any:
        """A preset says all that there is to say of the input, and nothing else may be said."""
        if not isinstance(given, dict) or given.get("preset") not in PRESETS:
            return given
        fixed = PRESETS[given["preset"]]
        for key in fixed.keys() & given.keys() - {"called"}:
            told = tuple(given[key]) if isinstance(given[key], list) else given[key]
            if told != fixed[key]:
                raise ValueError(
                    f"{key}: {given['preset']} takes {fixed[key]}, not {given[key]}; leave {key} "
                    "out, or leave preset out"
                )
        return {**fixed, **given}

    _as_ever = left_out(preset=lambda self: not self.preset)

    @property
    def judge(self) -> str:
        """What the judge is called."""
        return self.called or re.sub(r"\W", "_", Path(self.file).stem)


class Brisque(Section):
    """How natural an image of 64 pixels a side or more looks, without a caption (Mittal 2012)."""

    name: Literal["brisque"]
    model: str = Field(default="", description="libsvm's text, `allmodel`; none: in the cache")
    range: str = Field(default="", description="of svm-scale, `allrange`; none: in the cache")
    digest: Digest = ""


FileJudge = Annotated[
    JudgeFromFile | ClipScore | PreferenceScore | OnnxJudge | Brisque, Field(discriminator="name")
]
Published = Literal["clip_score", "pickscore", "hps_v2", "hps_v2_1", "brisque"]
"""By name alone: of files in the cache."""
