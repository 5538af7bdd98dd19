"""What is wrong with a manifest, where, and what would be right."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scaling.errors import InputError

SCREEN = 20
"""Problems shown at once; the rest are counted."""


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake: line and column (from 1), dotted path (or none), and what would be right."""

    line: int
    column: int
    path: str
    message: str


class ManifestError(InputError):
    """Every problem of one manifest, one line each, in the order of the file."""

    label = ""

    def __init__(self, file: str, problems: Sequence[Problem]):
        self.file = file
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> Iterable[str]:
        for problem in self.problems[:SCREEN]:
            where = f"{self.file}:{problem.line}:{problem.column}: "
            yield where + (f"{problem.path}: " if problem.path else "") + problem.message
        if len(self.problems) > SCREEN:
            yield f"... and {len(self.problems) - SCREEN} more"


def nearest(word: object, choices: Iterable[str]) -> str:
    """`; did you mean 'depth'?`, or nothing where no choice is near."""
    found = difflib.get_close_matches(str(word), list(choices), n=1, cutoff=0.6)
    return f"; did you mean '{found[0]}'?" if found else ""


def one_of(choices: Iterable[str]) -> str:
    """`'a', 'b' or 'c'`."""
    names = [f"'{choice}'" for choice in choices]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
