"""A sweep's directory as the analysis sees it. Standard library only: it is looked at first."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from analysis.settings import FitSettings

VOTES = "votes.jsonl"
VERDICTS = "verdicts.parquet"
ASKED = "preference/protocols.json"
"""What people were asked about which pictures, by the hash that votes carry."""
TABLES = ("measurements.parquet", "runs.csv", "protocols.json", VOTES, ASKED)


def is_sweep(path: Path) -> bool:
    """Whether a directory is a sweep's, measured or not."""
    return any((path / name).is_file() for name in ("measurements.parquet", "sweep.json"))


def measured(directory: Path) -> list[Path]:
    """The files that a sweep's table is read from: measurements, and votes where people voted."""
    votes = directory / VOTES
    return [directory / TABLES[0], *([votes] if votes.is_file() else [])]


def fingerprint(directory: Path, settings: FitSettings) -> str:
    """A digest of everything that an analysis hangs on: tables, settings, laws, and this code."""
    settings = replace(settings, laws=tuple(settings.laws))
    digest = hashlib.sha256(f"{settings!r}\n".encode())
    for path in _inputs(directory, settings):
        content = path.read_bytes() if path.is_file() else b""
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        state = path.stat()
        digest.update(f"{path.name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _inputs(directory: Path, settings: FitSettings) -> Iterator[Path]:
    places = [directory, *([Path(settings.rates_from)] if settings.rates_from else [])]
    for place in places:
        yield from (place / name for name in TABLES) if place.is_dir() else (place,)
    for law in settings.laws:  # FILE.py:NAME
        file, colon, _ = law.rpartition(":")
        yield from (Path(file),) if colon else ()
