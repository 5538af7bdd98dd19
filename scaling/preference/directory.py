"""What asking people leaves in a sweep's directory beside the votes: the pairs, and a key."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from scaling.errors import InputError
from scaling.files import beside, replacing
from scaling.measure.rows import protocol_hash
from scaling.preference.pair import Pair
from scaling.preference.pairs import protocol
from scaling.preference.pictures import Pictures

FOLDER, VOTES = "preference", "votes.jsonl"
PAIRS = "pairs"
"""The file of the pairs of runs; those of a run's settings have files of their own."""


def write_pairs(
    directory: Path, pairs: Sequence[Pair], pictures: Pictures, name: str = PAIRS
) -> Mapping[str, str]:
    """Write <name>.jsonl and protocols.json; the hash of each pair's protocol, by pair.

    Protocols of earlier pairs stay, since votes carry them.
    """
    told: dict[tuple[str, str, str], str] = {}
    protocols = {}
    for pair in pairs:
        key = pair.kind, pair.first, pair.second
        if key not in told:
            found = protocol(pictures, pair)
            told[key] = protocol_hash(found)
            protocols[told[key]] = found
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    if (path := folder / "protocols.json").exists():
        protocols = json.loads(path.read_text("utf-8")) | protocols
    with replacing(folder / f"{name}.jsonl") as draft:
        draft.write_text("".join(pair.to_json() + "\n" for pair in pairs), "utf-8")
    with replacing(path) as draft:
        draft.write_text(json.dumps(protocols, indent=2, sort_keys=True) + "\n", "utf-8")
    return {pair.pair: told[pair.kind, pair.first, pair.second] for pair in pairs}


def key(directory: Path) -> bytes:
    """The secret that raters' addresses hang on, made once; for its owner's eyes."""
    path = directory / FOLDER / "key"
    path.parent.mkdir(exist_ok=True)
    if not path.exists():
        with beside(path) as draft:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_hex(32))
            with suppress(FileExistsError):
                os.link(draft, path)
    return bytes.fromhex(path.read_text())


@contextmanager
def alone(directory: Path) -> Iterator[None]:
    """Keep others from serving a directory, or importing votes, meanwhile; InputError if they do.

    The system lifts the lock of a process that is killed.
    """
    folder = directory / FOLDER
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{directory}: votes are being taken by another `scaling annotate`, or imported; "
                "end that first"
            ) from None
        yield


def prompt_ids(directory: Path) -> dict[str, str]:
    """The id of each caption that stands for one prompt alone, of the pairs that were written."""
    found: dict[str, set[str]] = {}
    written = sorted((directory / FOLDER).glob("*.jsonl"))
    for line in chain.from_iterable(path.read_text("utf-8").splitlines() for path in written):
        pair = json.loads(line)
        if pair["kind"] != "control":  # which may show a caption of another, or a concept
            found.setdefault(pair["prompt"], set()).add(pair["prompt_id"])
    return {prompt: next(iter(ids)) for prompt, ids in found.items() if len(ids) == 1}
