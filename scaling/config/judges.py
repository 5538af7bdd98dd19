"""How a manifest names judges: by a word, or by a section whose files' hash is filled in."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, get_args

from pydantic import BeforeValidator

from scaling.config.judge_files import Needed, brisque_files, clip_files, onnx_files, recorded
from scaling.config.judge_sections import (
    Brisque,
    BuiltIn,
    ClipScore,
    FileJudge,
    JudgeFromFile,
    OnnxJudge,
    PreferenceScore,
    Published,
)
from scaling.config.section import Section

SECTIONS: Mapping[str, type[Section]] = {
    "file": JudgeFromFile,
    "clip_score": ClipScore,
    "pickscore": PreferenceScore,
    "hps_v2": PreferenceScore,
    "hps_v2_1": PreferenceScore,
    "onnx": OnnxJudge,
    "brisque": Brisque,
}
FILES: Mapping[type[Section], Callable[[Any], list[Needed]]] = {
    ClipScore: lambda judge: clip_files(judge, judge.network),
    PreferenceScore: lambda judge: clip_files(judge, judge.name),
    OnnxJudge: onnx_files,
    Brisque: brisque_files,
}


def _read(given: Any) -> Any:
    """By name or as a section, whose files' hash is filled in; ValueError for a missing file."""
    if given in get_args(BuiltIn):
        return given
    found: Any = given if isinstance(given, Section) else _section(given)
    if (files := FILES.get(type(found))) is None:
        return found
    digest = recorded(called(found), files(found), found.digest)
    return found.model_copy(update={"digest": digest})


def _section(given: Any) -> Any:
    fields = {"name": given} if given in get_args(Published) else given
    name = str(fields.get("name", "")) if isinstance(fields, dict) else str(fields)
    if isinstance(fields, dict) and name in SECTIONS:
        return SECTIONS[name].model_validate(fields)
    choices = (
        [*SECTIONS] if isinstance(fields, dict) else [*get_args(BuiltIn), *get_args(Published)]
    )
    near = get_close_matches(name, choices, 1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    raise ValueError(f"no judge '{name}'{meant}; there are: {', '.join(choices)}")


JudgeConfig = Annotated[
    BuiltIn | FileJudge,
    BeforeValidator(_read, json_schema_input_type=BuiltIn | Published | FileJudge),
]


def called(judge: BuiltIn | FileJudge) -> str:
    """The name of a judge, with which its metric ends."""
    if isinstance(judge, str):
        return judge
    return judge.judge if isinstance(judge, JudgeFromFile | OnnxJudge) else judge.name
