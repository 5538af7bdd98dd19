"""From `sweep` to the settings of each run."""

import copy
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sweeps.document import Document, Keys
from sweeps.fields import default_at, dotted_paths, set_at, value_at
from sweeps.problems import Problem, nearest
from sweeps.sections import SweepConfig


@dataclass(frozen=True)
class Setting:
    """A dotted path, the value that one run gives it, and where that is written."""

    path: str
    value: Any
    source: Keys


type Cell = tuple[Setting, ...]
"""What one run sets on top of the manifest's base."""


def swept_paths(sweep: SweepConfig) -> tuple[str, ...]:
    """The dotted paths that vary, in the order of the manifest."""
    included = (path for entry in sweep.include for path in entry)
    return tuple(dict.fromkeys((*sweep.grid, *sweep.zip, *included)))


def check(sweep: SweepConfig, document: Document) -> list[Problem]:
    """Unknown and overlapping paths, empty lists, unequal lengths."""
    problems: list[Problem] = []

    def complain(source: Keys, path: str, message: str, *, of_key: bool = True) -> None:
        problems.append(Problem(*document.place(source, of_key=of_key), path, message))

    entries = [
        (("sweep", kind, *at), path)
        for kind in ("grid", "zip", "exclude", "include")
        for at, mapping in _mappings(getattr(sweep, kind))
        for path in mapping
    ]
    for source, path in entries:
        if path not in dotted_paths():
            complain((*source, path), path, f"unknown path{_right_path(path)}")
    axes = [("grid", path) for path in sweep.grid] + [("zip", path) for path in sweep.zip]
    for (_, first), (kind, second) in itertools.combinations(axes, 2):
        if _overlap(first, second):
            complain(("sweep", kind, second), second, f"overlaps with '{first}', swept as well")
    for number, entry in enumerate(sweep.include):
        for first, second in itertools.combinations(entry, 2):
            if _overlap(first, second):
                complain(("sweep", "include", number, second), second, f"overlaps with '{first}'")
    for kind, path in axes:
        if not getattr(sweep, kind)[path]:
            complain(("sweep", kind, path), path, "an empty list leaves no run")
    lengths = {path: len(values) for path, values in sweep.zip.items()}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{path} has {length}" for path, length in lengths.items())
        complain(("sweep", "zip"), "sweep.zip", f"lists must be of equal length: {shown}")
    return problems


def expand(
    sweep: SweepConfig, base: Mapping[str, Any], document: Document
) -> tuple[list[Cell], list[Problem]]:
    """Combinations in order, `grid` slowest path first, then `zip`; and excludes that drop none."""
    axes: list[list[Cell]] = [
        [(Setting(path, value, ("sweep", "grid", path, i)),) for i, value in enumerate(values)]
        for path, values in sweep.grid.items()
    ]
    if sweep.zip:
        axes.append(list(_zipped(sweep.zip)))
    crossed = bool(axes) or not sweep.include
    combinations = [sum(parts, ()) for parts in itertools.product(*axes)] if crossed else []
    resolved = [resolve(base, cell) for cell in combinations] if sweep.exclude else []
    dropped: set[int] = set()
    problems: list[Problem] = []
    for number, entry in enumerate(sweep.exclude):
        hits = {i for i, mapping in enumerate(resolved) if _matches(entry, mapping)}
        dropped |= hits
        if not hits:
            source = ("sweep", "exclude", number)
            shown = ", ".join(f"{path} = {value}" for path, value in entry.items())
            message = f"drops no run: none has {shown}"
            problems.append(Problem(*document.place(source), "sweep.exclude", message))
    kept = [cell for i, cell in enumerate(combinations) if i not in dropped]
    for number, entry in enumerate(sweep.include):
        source = ("sweep", "include", number)
        kept.append(tuple(Setting(p, v, (*source, p)) for p, v in entry.items()))
    if not kept and not problems:
        place = document.place(("sweep",), of_key=True)
        problems.append(Problem(*place, "sweep", "exclude leaves no run"))
    return kept, problems


def resolve(base: Mapping[str, Any], cell: Cell) -> dict[str, Any]:
    """A copy of `base` with the cell's settings."""
    mapping = copy.deepcopy(dict(base))
    for setting in cell:
        set_at(mapping, setting.path, setting.value)
    return mapping


def _zipped(lists: Mapping[str, list[Any]]) -> Iterator[Cell]:
    for i, row in enumerate(zip(*lists.values(), strict=True)):
        yield tuple(
            Setting(path, value, ("sweep", "zip", path, i))
            for path, value in zip(lists, row, strict=True)
        )


def _matches(entry: Mapping[str, Any], resolved: Mapping[str, Any]) -> bool:
    return all(_same(value_at(resolved, p, default_at(p)), value) for p, value in entry.items())


def _same(left: Any, right: Any) -> bool:
    """Equal as values of a configuration: 1 and 1.0 are, 1 and true are not."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _overlap(first: str, second: str) -> bool:
    return f"{first}.".startswith(f"{second}.") or f"{second}.".startswith(f"{first}.")


def _mappings(entries: Any) -> Iterator[tuple[Keys, Mapping[str, Any]]]:
    if isinstance(entries, Mapping):
        yield (), entries
    else:
        yield from (((i,), entry) for i, entry in enumerate(entries))


def _right_path(path: str) -> str:
    leaf = path.rpartition(".")[2]
    ends = [known for known in dotted_paths() if known.rpartition(".")[2] == leaf]
    return f"; did you mean '{ends[0]}'?" if len(ends) == 1 else nearest(path, dotted_paths())
