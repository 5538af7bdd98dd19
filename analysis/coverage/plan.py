"""A coverage study as a file: which cells, and how many sweeps of each are drawn and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, get_args

from ruamel.yaml import YAML

from analysis.coverage.cells import Cell, cell_named
from analysis.table import nearest
from analysis.uncertainty.resampling import Method

SHIPPED = Path(__file__).with_name("study.yaml")
AXES = ("laws", "noises", "rungs", "seeds")
NUMBERS = {"replicates": 1000, "draws": 200, "seed": 0}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Cells, and in each so many sweeps (`replicates`), every one bootstrapped `draws` times."""

    cells: tuple[Cell, ...]
    replicates: int
    draws: int
    seed: int
    method: Method


def read_plan(path: Path = SHIPPED) -> Plan:
    """The study that a YAML file describes, as the shipped one does; ValueError says what is wrong.

    The keys of `AXES` are lists, of which every combination is a cell; the others may be left out.
    """
    given: Any = YAML(typ="safe", pure=True).load(path.read_text("utf-8"))
    if not isinstance(given, Mapping):
        raise ValueError(f"{path}: must be a mapping with the lists {', '.join(AXES)}")
    known = (*AXES, *NUMBERS, "method")
    for key in given:
        if key not in known:
            raise ValueError(f"{path}: unknown key '{key}'{nearest(str(key), known)}")
    for key in AXES:
        if not isinstance(given.get(key), list):
            raise ValueError(f"{path}: {key} must be a list")
    numbers = {name: given.get(name, default) for name, default in NUMBERS.items()}
    for name, value in numbers.items():
        if not isinstance(value, int) or value < (name != "seed"):
            raise ValueError(f"{path}: {name} must be a whole number above 0, not {value!r}")
    method = given.get("method", "auto")
    if method not in get_args(Method):
        raise ValueError(f"{path}: method must be one of {', '.join(get_args(Method))}")
    names = ["/".join(map(str, cell)) for cell in product(*(given[key] for key in AXES))]
    return Plan(cells=tuple(map(cell_named, names)), method=method, **numbers)
