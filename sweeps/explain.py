"""pydantic's errors as problems with a place in the file and words for people."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from scaling.config import RunConfig
from sweeps.document import Document, Keys, dotted
from sweeps.fields import dotted_paths, sections_of
from sweeps.problems import Problem, nearest, one_of
from sweeps.sections import ManifestHeader

_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "bool": "true or false",
    "list": "a list",
    "tuple": "a list",
    "dict": "a mapping",
    "model": "a mapping",
}
_BOUNDS = {
    "greater_than_equal": ("ge", "at least"),
    "greater_than": ("gt", "greater than"),
    "less_than_equal": ("le", "at most"),
    "less_than": ("lt", "less than"),
}

type Tags = Mapping[Keys, str]
"""Which variant of a section the manifest chose, by the section's path."""

type Redirect = Callable[[Keys], Keys]
"""From a path of a run's configuration to the path in the file where its value was written."""


def explain(error: ValidationError, document: Document, redirect: Redirect) -> list[Problem]:
    """One problem for each of pydantic's errors."""
    return [_problem(item, document, redirect) for item in error.errors(include_url=False)]


@dataclass(frozen=True)
class _Complaint:
    """One of pydantic's errors: `kind` is its type, `limits` its context."""

    kind: str
    path: Keys
    tags: Tags
    given: Any
    limits: Mapping[str, Any]
    words: str


def _problem(item: Mapping[str, Any], document: Document, redirect: Redirect) -> Problem:
    path, tags = _untagged(item["loc"])
    complaint = _Complaint(
        item["type"], path, tags, item.get("input"), item.get("ctx", {}), item["msg"]
    )
    family = next((kind for kind in _MESSAGES if complaint.kind.startswith(kind)), "")
    path, message = _MESSAGES[family](complaint) if family else (path, _uncapitalised(complaint))
    of_key = complaint.kind == "extra_forbidden"
    line, column = document.place(redirect(path), of_key=of_key)
    return Problem(line, column, dotted(path), message.removeprefix(f"{dotted(path)} "))


def _missing_variant(c: _Complaint) -> tuple[Keys, str]:
    field = dotted_paths()[dotted(c.path)][0]
    path = (*c.path, str(field.discriminator))
    return path, f"is missing; one of {one_of(map(str, sections_of(field)))}"


def _unknown_variant(c: _Complaint) -> tuple[Keys, str]:
    field = dotted_paths()[dotted(c.path)][0]
    choices = [str(choice) for choice in sections_of(field)]
    tag = c.limits["tag"]
    path = (*c.path, str(field.discriminator))
    return path, f"must be {one_of(choices)}, not '{tag}'{nearest(tag, choices)}"


def _not_among(c: _Complaint) -> tuple[Keys, str]:
    field = _fields_at(c.path[:-1], c.tags).get(str(c.path[-1]))
    choices = [str(choice) for choice in get_args(field.annotation)] if field else []
    return c.path, f"must be {c.limits['expected']}, not {c.given!r}{nearest(c.given, choices)}"


def _out_of_bounds(c: _Complaint) -> tuple[Keys, str]:
    name, words = _BOUNDS[c.kind]
    return c.path, f"must be {words} {c.limits[name]}, not {c.given!r}"


def _own_words(c: _Complaint) -> tuple[Keys, str]:
    message = str(c.limits["error"])
    return _culprit(c.path, c.tags, message), message


def _wrong_type(c: _Complaint) -> tuple[Keys, str]:
    kind = _KINDS.get(c.kind.partition("_")[0], "of another type")
    whole = isinstance(c.given, float) and c.given.is_integer() and c.kind.startswith("int")
    hint = f"; write {int(c.given)}" if whole else ""
    return c.path, f"must be {kind}, not {_shown(c.given)}{hint}"


def _uncapitalised(c: _Complaint) -> str:
    return c.words[:1].lower() + c.words[1:]


_MESSAGES: dict[str, Callable[[_Complaint], tuple[Keys, str]]] = {
    "extra_forbidden": lambda c: (c.path, f"unknown key{_right_key(c.path, c.tags)}"),
    "missing": lambda c: (c.path, "is missing, and no sweep sets it"),
    "union_tag_not_found": _missing_variant,
    "union_tag_invalid": _unknown_variant,
    "literal_error": _not_among,
    "value_error": _own_words,
    **dict.fromkeys(_BOUNDS, _out_of_bounds),
    **dict.fromkeys((f"{kind}_" for kind in _KINDS), _wrong_type),
}
"""By pydantic's error type or the start of it: the path to blame and what would be right."""


def _untagged(loc: tuple[str | int, ...]) -> tuple[Keys, Tags]:
    """pydantic's location without the variant tags it inserts, and those tags by section."""
    path: Keys = ()
    tags: dict[Keys, str] = {}
    for part in loc:
        variants = {
            tag for field in dotted_paths().get(dotted(path), []) for tag in sections_of(field)
        }
        if path not in tags and part in variants:
            tags[path] = str(part)
        else:
            path = (*path, part)
    return path, tags


def _fields_at(path: Keys, tags: Tags) -> Mapping[str, FieldInfo]:
    """The fields of the section at `path`; of all its variants when the tag is unknown."""
    if not path:
        return {**ManifestHeader.model_fields, **RunConfig.model_fields}
    found: dict[str, FieldInfo] = {}
    for field in dotted_paths().get(dotted(path)) or _header_field(path):
        for tag, section in sections_of(field).items():
            if path not in tags or tags[path] == tag:
                found |= section.model_fields
    return found


def _header_field(path: Keys) -> list[FieldInfo]:
    fields: Mapping[str, FieldInfo] = ManifestHeader.model_fields
    *outer, last = map(str, path)
    for key in outer:
        section = sections_of(fields[key]).get(None) if key in fields else None
        fields = section.model_fields if section else {}
    return [fields[last]] if last in fields else []


def _right_key(path: Keys, tags: Tags) -> str:
    known = _fields_at(path[:-1], tags)
    near = nearest(path[-1], known)
    if near or not known:
        return near
    elsewhere = [found for found in dotted_paths() if found.rpartition(".")[2] == path[-1]]
    return f"; there is {one_of(elsewhere)}" if elsewhere else f"; there are {', '.join(known)}"


def _culprit(path: Keys, tags: Tags, message: str) -> Keys:
    """The first key that a section's own complaint names, so that its line can be shown."""
    known = _fields_at(path, tags)
    for word in re.findall(r"[A-Za-z_][\w.]*", message):
        named = word.rstrip(".")
        if dotted((*path, *named.split("."))) in dotted_paths() or named in known:
            return (*path, *named.split("."))
    return path


def _shown(value: Any) -> str:
    text = repr(value) if not isinstance(value, dict) else "a mapping"
    return "nothing" if value is None else text if len(text) <= 60 else f"{text[:57]}..."
