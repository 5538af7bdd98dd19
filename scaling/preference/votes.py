"""Votes on disk: one line each, on the disk before anything else happens, never rewritten."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pydantic import ValidationError

from scaling.errors import InputError
from scaling.preference.vote import LINE, Undo, Vote, now


@dataclass(kw_only=True)
class Ballot:
    """The votes that count, by id in the order of the file; `undone` ones do not.

    `torn` is the text of a last line that was never finished.
    """

    votes: dict[str, Vote] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)
    torn: str = ""

    def take(self, line: Vote | Undo) -> None:
        """Count what a line says."""
        if isinstance(line, Undo):
            self.undone.add(line.undo)
            self.votes.pop(line.undo, None)
        elif line.vote not in self.undone:
            self.votes.setdefault(line.vote, line)


def read(path: Path) -> Ballot:
    """All votes of a file, none where there is no file. InputError names a line that is not one."""
    ballot = Ballot()
    text = path.read_bytes().decode("utf-8", errors="replace") if path.exists() else ""
    whole, _, torn = text.rpartition("\n")
    for number, line in enumerate(whole.split("\n"), start=1):
        if line.strip():
            try:
                ballot.take(LINE.validate_json(line))
            except ValidationError as error:
                raise InputError(f"{path}:{number}: not a vote: {_first(error)}") from None
    ballot.torn = torn
    return ballot


def _first(error: ValidationError) -> str:
    """Where a line is wrong, and how."""
    found = error.errors()[0]
    return " ".join(filter(None, [".".join(map(str, found["loc"][1:])), found["msg"]]))


class VoteFile:
    """A file of votes, open for more; `ballot` is what it says. Not for several threads at once.

    A torn last line was never answered for, so nobody takes it for a vote: it is cut off, kept in
    a file beside it, and `notice` says so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as file:
            self.notice = _mend(path, file)
            self.ballot = read(path)

    def add(self, *votes: Vote) -> None:
        """Append votes; they are on the disk when this returns."""
        self._append(votes)

    def undo(self, vote: str, rater: str) -> None:
        """Append that a rater takes a vote back."""
        self._append([Undo(undo=vote, rater=rater, at=now())])

    def _append(self, lines: Sequence[Vote | Undo]) -> None:
        content = "".join(
            json.dumps(asdict(line), allow_nan=False) + "\n" for line in lines
        ).encode()
        with self._open() as file:
            _mend(self.path, file)
            end = os.fstat(file).st_size
            try:
                written = os.write(file, content)
                if written < len(content):
                    raise OSError(f"{self.path}: only {written} bytes of a vote were written")
                os.fsync(file)
            except OSError:
                os.ftruncate(file, end)  # what is not safe on the disk is not a vote
                raise
        for line in lines:
            self.ballot.take(line)

    @contextmanager
    def _open(self) -> Iterator[int]:
        """The file's descriptor; nobody else who writes votes has it meanwhile."""
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)  # and the lock with it


def _mend(path: Path, file: int) -> str:
    """Cut a torn last line off, keep it beside, and say so."""
    size = os.fstat(file).st_size
    if not size or os.pread(file, 1, size - 1) == b"\n":
        return ""
    content = os.pread(file, size, 0)
    end = content.rfind(b"\n") + 1
    kept = path.with_name(f"{path.name}.torn")
    with kept.open("ab") as beside:
        beside.write(content[end:] + b"\n")
    os.ftruncate(file, end)
    return f"{path}: cut off a torn last line of {size - end} bytes, which {kept.name} keeps"
