"""Which examples of a set can be used for what networks are told, and a hash of them all."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from jaxtyping import Int

from scaling.config.files import FieldsConfig, FilesData
from scaling.data.files import checks
from scaling.data.files.example import Example, Fault, key_of
from scaling.data.files.index import Index, index
from scaling.data.files.vectors import Vectors, vectors
from scaling.errors import InputError

NAMED = 3  # faults in a message; `scaling data check` names all
NEEDS: Mapping[str, str] = {"captions": "caption", "labels": "label"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Selection:
    """The examples that can be used, by row of the index, and what is left out."""

    index: Index
    kind: str  # of conditions
    vectors: Vectors | None
    rows: Int[np.ndarray, " n"]
    faults: tuple[Fault, ...]
    digest: str

    @property
    def examples(self) -> list[Example]:
        """In the order of their keys."""
        return [self.index.examples[row] for row in self.rows]


def identity(example: Example) -> str:
    """Of an image with its caption: one image may have several, each a row of its own."""
    return (
        example.key
        if example.caption is None
        else key_of(f"{example.key} {example.caption}".encode())
    )


@lru_cache(maxsize=8)
def selected(
    path: str, wanted: str, fields: tuple[tuple[str, str], ...], kind: str, file: str
) -> Selection:
    """Those that have the conditions asked for and were not found undecodable."""
    found, told = index(path, wanted, fields), vectors(file) if file else None
    if kind == "auto" or wanted != found.format:
        kind = kind_of(found, told) if kind == "auto" else kind
        return selected(path, found.format, fields, kind, file)
    if kind in ("embeddings", "tokens") and (told is None or told.kind != kind):
        raise InputError(f"conditions '{kind}' are read from data.conditions_file: name one")
    if told is not None and told.kind != kind:
        raise InputError(f"'{file}' has {told.kind}, and conditions are '{kind}': leave one out")
    bad = checks.undecodable(found) or {}
    rows, faults = [], list(found.faults)
    for row, example in enumerate(found.examples):
        need = NEEDS.get(kind)
        if example.key in bad:
            faults.append(Fault(example.name, bad[example.key]))
        elif need and getattr(example, need) is None:
            faults.append(Fault(example.name, f"has no {need}"))
        elif kind in ("embeddings", "tokens") and told and identity(example) not in told.row:
            faults.append(Fault(example.name, f"is not among the keys of '{file}'"))
        else:
            rows.append(row)
    parts = [
        f"{identity(example)} {example.label if kind == 'labels' else ''}"
        for example in (found.examples[row] for row in rows)
    ]
    digest = key_of("\n".join([*parts, kind, told.digest if told else ""]).encode())[:12]
    return Selection(
        index=found,
        kind=kind,
        vectors=told,
        rows=np.array(rows, np.int64),
        faults=tuple(faults),
        digest=digest,
    )


def kind_of(found: Index, told: Vectors | None) -> str:
    """The one kind of conditions there is; InputError where nothing says which of several."""
    if told is not None:
        return told.kind
    have = {
        kind: [getattr(e, part) is not None for e in found.examples] for kind, part in NEEDS.items()
    }
    if found.examples and all(map(all, have.values())):
        raise InputError("conditions must say which to use; there are captions and labels")
    return next((kind for kind, flags in have.items() if any(flags)), "none")


def resolved(given: Mapping[str, Any]) -> dict[str, Any]:
    """A section as given, with what the files say. InputError."""
    names = ("path", "format", "conditions", "conditions_file")
    defaults = FilesData.model_fields
    path, wanted, kind, file = (given.get(name, defaults[name].default) for name in names)
    try:
        fields = tuple(
            sorted(FieldsConfig.model_validate(given.get("fields", {})).model_dump().items())
        )
    except ValueError:
        return dict(given)  # for the section itself to complain about
    if not all(isinstance(value, str) for value in (wanted, kind, file)):
        return dict(given)
    found = selected(path, wanted, fields, kind, file)
    faults = found.faults
    if faults and given.get("on_error", "fatal") == "fatal":
        named = "; ".join(f"{fault.name}: {fault.reason}" for fault in faults[:NAMED])
        more = f"; and {len(faults) - NAMED} more" if len(faults) > NAMED else ""
        raise InputError(
            f"path '{path}': {len(faults)} of its examples cannot be used: {named}{more}. Mend or "
            "remove them, or set on_error to skip; `scaling data check` names all"
        )
    if given.get("digest") and given["digest"] != found.digest:
        raise InputError(
            f"path '{path}' has changed: its hash is {found.digest}, not {given['digest']}; give "
            "the changed set a name of its own. If nothing was changed, run `scaling data check` "
            "here too: its list of what cannot be decoded is part of the hash"
        )
    return {
        **given,
        "format": found.index.format,
        "conditions": found.kind,
        "digest": found.digest,
        "left_out": len(faults),
    }
