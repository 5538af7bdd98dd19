"""A law by its name, or from a user's own file."""

import difflib
import importlib.util
import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from analysis.laws.law import Law
from analysis.laws.size import broken

BROKEN = re.compile(r"broken([3-9]|[1-9]\d)")
"""What `LAWS` has no more of: it has one break and two."""


def find(name: str) -> Law:
    """`LAWS[name]`, or the Law called NAME in "FILE.py:NAME"; ValueError says what there is.

    A law of a file goes by that whole name; "brokenN" has N breaks, three or more.
    """
    file, colon, attribute = name.rpartition(":")
    if colon and file.endswith(".py"):
        path = Path(file)
        if not path.is_file():
            raise ValueError(f"{file}: no such file, where the law '{attribute}' was said to be")
        return _from_file(path, attribute, path.stat().st_mtime_ns)
    from analysis.laws import LAWS

    if found := BROKEN.fullmatch(name):
        return _broken(int(found[1]))
    if name not in LAWS:
        near = difflib.get_close_matches(name, LAWS, 1)
        meant = f"did you mean '{near[0]}'? " if near else ""
        raise ValueError(
            f"no law '{name}'; {meant}there are {', '.join(LAWS)}, brokenN with N breaks, "
            "and your own as FILE.py:NAME"
        )
    return LAWS[name]


@lru_cache
def _broken(breaks: int) -> Law:
    """One object however often it is asked for, as fits of one law are made together."""
    return broken(breaks)


@lru_cache
def _from_file(file: Path, name: str, changed: int) -> Law:
    spec = importlib.util.spec_from_file_location(f"law_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ValueError(f"{file}: is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    law = getattr(module, name, None)
    if not isinstance(law, Law):
        found = [key for key, value in vars(module).items() if isinstance(value, Law)]
        raise ValueError(
            f"{file}: has no analysis.laws.Law called '{name}'; it has {', '.join(found) or 'none'}"
        )
    return replace(law, name=f"{file}:{name}")
