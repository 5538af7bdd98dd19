"""How a table is fitted: a manifest's `fit` section, overridden by options and `--set`."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis import FitSettings

EXAMPLES = "'loss=squares' or 'known={E: [0.12, 0.002]}'"


def chosen(path: Path, options: Mapping[str, Any], pairs: Sequence[str] = ()) -> "FitSettings":
    """The settings of the table at `path`, options that are None left as they are there.

    ValueError for a pair that no manifest could say, or that says again what an option says.
    """
    given = {name: value for name, value in options.items() if value is not None}
    by_hand = set_by_hand(pairs)
    for name in given.keys() & by_hand.keys():
        option = "law" if name == "laws" else name.replace("_", "-")
        raise ValueError(f"--set {name} and --{option} say the same; leave out one of them")
    return replace(settings(path), **given, **by_hand)


def set_by_hand(pairs: Sequence[str]) -> dict[str, Any]:
    """Settings of 'KEY=VALUE' texts, values as in YAML, held to what a manifest's `fit` may say."""
    if not pairs:
        return {}
    from pydantic import ValidationError

    from sweeps.document import Document
    from sweeps.explain import explain
    from sweeps.sections import ManifestHeader

    section = _section(pairs)
    try:
        header = ManifestHeader.model_validate({"fit": section})
    except ValidationError as error:
        problems = explain(error, Document(file="--set", text=""), lambda path: path)
        told = [f"--set {item.path.removeprefix('fit.')}: {item.message}" for item in problems]
        raise ValueError("\n".join(told)) from None
    return header.fit.model_dump(exclude_unset=True)


def _section(pairs: Sequence[str]) -> dict[str, Any]:
    """The pairs as a section of a manifest; a key with a dot goes into a mapping."""
    section: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (key and equals and value):
            raise ValueError(f"--set wants KEY=VALUE, as in {EXAMPLES}; not {pair!r}")
        *outer, last = key.split(".")
        inside = section
        for name in outer:
            inside = inside.setdefault(name, {})
        if not isinstance(inside, dict) or last in inside:
            raise ValueError(f"--set names '{key}' twice")
        inside[last] = _value(key, value)
    return section


def _value(key: str, text: str) -> Any:
    """What the YAML says."""
    from sweeps.document import parse
    from sweeps.problems import ManifestError

    try:
        read = parse(f"value: {text}", "--set")
        problems = read.problems
    except ManifestError as error:
        read, problems = None, error.problems
    if read is None or problems:
        raise ValueError("; ".join(f"--set {key}: {item.message}" for item in problems))
    return read.value["value"]


def settings(path: Path) -> "FitSettings":
    """The `fit` section of the manifest in a sweep's directory, else the defaults.

    ValueError for a setting that there is not, or a sweep of rates that is not there.
    """
    from analysis import FitSettings

    manifest = path / "manifest.yaml"
    if not path.is_dir() or not manifest.is_file():
        return FitSettings()
    from ruamel.yaml import YAML

    section = (YAML(typ="safe", pure=True).load(manifest) or {}).get("fit") or {}
    unknown = set(section) - {item.name for item in fields(FitSettings)}
    if unknown:
        raise ValueError(f"{manifest}: fit has no setting {', '.join(sorted(unknown))}")
    if section.get("rates_from"):
        section["rates_from"] = str(_rates_from(path, section["rates_from"]))
    return FitSettings(**section)


def _rates_from(directory: Path, named: str) -> Path:
    """Where a manifest's `fit.rates_from` lies, seen from here or from the sweep's directory."""
    places = [Path(named), directory / named]
    found = next((place for place in places if place.exists()), None)
    if found is None:
        tried = " nor ".join(map(str, places))
        raise ValueError(f"fit.rates_from: there is neither {tried}")
    return found
