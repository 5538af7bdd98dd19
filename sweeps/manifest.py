"""Manifests: read, checked whole, and expanded into runs before anything is spent."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from scaling.config import FilesData, RunConfig, run_id
from scaling.errors import InputError
from sweeps.document import Document, Keys, parse
from sweeps.expand import Cell, Setting, check, expand, resolve, swept_paths
from sweeps.explain import explain
from sweeps.fields import value_at
from sweeps.heads import uneven_heads
from sweeps.ladder import LadderConfig
from sweeps.problems import ManifestError, Problem, nearest
from sweeps.sections import EngineConfig, FitConfig, ManifestHeader, SweepConfig


@dataclass(frozen=True)
class Run:
    """One model to train and measure: a resolved configuration, named by its hash."""

    config: RunConfig

    @cached_property
    def id(self) -> str:
        """Twelve hex digits, the same whatever the manifest's spelling."""
        return run_id(self.config)

    def swept(self, paths: tuple[str, ...]) -> dict[str, Any]:
        """The run's own value of each swept path; None where its variant of a section has none."""
        resolved = self.config.model_dump(mode="json")
        return {path: value_at(resolved, path) for path in paths}


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A valid manifest: distinct runs in order, and how to execute and fit them."""

    file: str
    text: str
    name: str
    runs: tuple[Run, ...]
    swept: tuple[str, ...]
    engine: EngineConfig
    fit: FitConfig
    notices: tuple[str, ...] = ()


def shipped() -> dict[str, Any]:
    """The manifests that come with the package, by name."""
    folder = files("sweeps") / "manifests"
    found = (item for item in folder.iterdir() if item.name.endswith(".yaml"))
    return {item.name.removesuffix(".yaml"): item for item in sorted(found, key=lambda i: i.name)}


def load(source: str | Path) -> Manifest:
    """The manifest at a path, or a shipped one by its bare name.

    Raises ManifestError with every problem found, or InputError where there is nothing to read.
    """
    path = Path(source)
    bare = isinstance(source, str) and path.name == source and not path.suffix
    if bare and not path.is_file():
        known = shipped()
        if path.name not in known:
            near = nearest(source, known) or f"; there are: {', '.join(known)}"
            raise InputError(f"no manifest '{source}' here or among the shipped ones{near}")
        resource = known[path.name]
        return loads(resource.read_text("utf-8"), file=resource.name)
    return loads(_read(path), file=str(source))


def loads(text: str, *, file: str = "manifest.yaml") -> Manifest:
    """As `load`, from text; `file` is the name that errors show."""
    document = parse(text, file)
    header_part = {k: v for k, v in document.value.items() if k in ManifestHeader.model_fields}
    base = {k: v for k, v in document.value.items() if k not in header_part}
    problems = list(document.problems)
    try:
        header = ManifestHeader.model_validate(header_part)
    except ValidationError as error:
        problems += explain(error, document, lambda path: path)
        raise _rejected(document, problems + _base_problems(base, document)) from None
    sweep = _along_ladder(header, base)
    problems += check(sweep, document)
    if problems:
        raise _rejected(document, problems + _base_problems(base, document))
    cells, problems = expand(sweep, base, document)
    if header.ladder:
        cells = _sized(cells, header.ladder, base)
    runs, more = _validate(cells, base, document)
    if problems or more:
        raise ManifestError(file, problems + more)
    distinct = list({run.id: run for run in reversed(runs)}.values())[::-1]
    repeats = len(runs) - len(distinct)
    twice = f"{file}: {repeats} of {len(runs)} runs repeat another's configuration; trained once"
    notices = [twice] if repeats else []
    notices += [f"{file}: {told}" for told in uneven_heads(run.config for run in distinct)]
    return Manifest(
        file=file,
        text=text,
        name=header.name or Path(file).stem,
        runs=tuple(distinct),
        swept=swept_paths(sweep),
        engine=header.engine,
        fit=header.fit,
        notices=(*notices, *_unchecked(file, distinct)),
    )


def _unchecked(file: str, runs: Sequence[Run]) -> Iterator[str]:
    """Notices of sets that skip what cannot be decoded, and nobody has looked for it."""
    from scaling.data.files.known import unchecked

    sets = dict.fromkeys(d for run in runs if isinstance(d := run.config.data, FilesData))
    return (f"{file}: {told}" for told in map(unchecked, sets) if told)


def _along_ladder(header: ManifestHeader, base: Mapping[str, Any]) -> SweepConfig:
    """The sweep, along the manifest's own ladder too where nothing else says which rungs."""
    chosen = value_at(base, "model.rung") or "model.rung" in swept_paths(header.sweep)
    if header.ladder is None or chosen:
        return header.sweep
    grid = {"model.rung": list(header.ladder.rungs), **header.sweep.grid}
    return header.sweep.model_copy(update={"grid": grid})


def _sized(cells: list[Cell], ladder: LadderConfig, base: Mapping[str, Any]) -> list[Cell]:
    """The cells with the sizes of their rungs, where those are the manifest's own.

    A size is solved for once for all cells of equal model and data.
    """
    rungs, known, found = ladder.rungs, {}, []
    for cell in cells:
        mapping = resolve(base, cell)
        rung = value_at(mapping, "model.rung")
        size: dict[str, int] = {}
        if rung in rungs:
            of = repr([mapping.get(section) for section in ("model", "data")])
            size = known[of] = known.get(of) or ladder.size(rung, mapping) or {}
        found.append((*cell, *(Setting(f"model.{k}", n, ("ladder",)) for k, n in size.items())))
    return found


def _rejected(document: Document, problems: list[Problem]) -> ManifestError:
    """All problems, but what could not be read at all is not found to be of a wrong type too."""
    unread = {(problem.line, problem.column) for problem in document.problems}
    rest = [p for p in problems if (p.line, p.column) not in unread]
    return ManifestError(document.file, [*document.problems, *rest])


def _validate(
    cells: list[Cell], base: Mapping[str, Any], document: Document
) -> tuple[list[Run], list[Problem]]:
    runs: list[Run] = []
    counts: dict[Problem, int] = {}
    for cell in cells:
        try:
            runs.append(Run(RunConfig.model_validate(resolve(base, cell))))
        except ValidationError as error:
            for problem in set(explain(error, document, lambda p, cell=cell: _written(p, cell))):
                counts[problem] = counts.get(problem, 0) + 1
    return runs, [_counted(problem, n, len(cells)) for problem, n in counts.items()]


def _counted(problem: Problem, count: int, total: int) -> Problem:
    if count == total:
        return problem
    suffix = f" (in {count} of {total} runs)"
    return Problem(problem.line, problem.column, problem.path, problem.message + suffix)


def _written(path: Keys, cell: Cell) -> Keys:
    """Where the value at `path` of a run is written: in the sweep if it is set there."""
    for setting in cell:
        keys = tuple(setting.path.split("."))
        if path[: len(keys)] == keys:
            return (*setting.source, *path[len(keys) :])
    return path


def _base_problems(base: Mapping[str, Any], document: Document) -> list[Problem]:
    """Problems of the base alone, when the sweep cannot be expanded: not what a sweep may mend."""
    try:
        RunConfig.model_validate(base)
    except ValidationError as error:
        mendable = ("missing", "union_tag_not_found", "value_error")
        found = zip(error.errors(), explain(error, document, lambda path: path), strict=True)
        return [problem for item, problem in found if item["type"] not in mendable]
    return []


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not UTF-8 text (byte {error.start})") from None
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
