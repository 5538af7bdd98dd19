"""Checkpoints of one run's training state, one directory a step; orbax writes each atomically."""

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

KEEP = 2
"""Of an attempt: a cohort saves its runs one after another, and may be cut off in between."""


def save(directory: Path, step: int, state: Any) -> None:
    """Write `directory/<step>`, then drop all but the newest `KEEP`; OSError on a full disk."""
    leaves = {str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(state))}
    path = str((directory / str(step)).absolute())
    try:
        ocp.save(path, leaves, overwrite=True)
    except ValueError as error:  # how tensorstore passes on what the system refused
        code = re.search(r"os_error_code='(\d+)'", str(error))
        if code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), path) from error
    for old in sorted(steps(directory))[:-KEEP]:
        shutil.rmtree(directory / str(old))


def steps(directory: Path) -> set[int]:
    """The steps whose checkpoints are complete; a save cut short leaves none."""
    if not directory.is_dir():
        return set()
    return {
        int(path.name)
        for path in directory.iterdir()
        if path.name.isdigit() and ocp.is_orbax_checkpoint(str(path.absolute()))
    }


def find(directories: Iterable[Path], step: int) -> Path:
    """The first of `directories` that holds this step; FileNotFoundError otherwise."""
    for directory in directories:
        if step in steps(directory):
            return directory / str(step)
    raise FileNotFoundError(f"no checkpoint of step {step}")


def load(path: Path, like: Any) -> Any:
    """The state saved at `path`, in the structure of `like` (arrays or their shapes).

    Raises ValueError where the saved shapes are not those of `like`.
    """
    leaves, structure = jax.tree.flatten(like)
    saved = ocp.load(str(path.absolute()))
    loaded = [saved[str(i)] for i in range(len(saved))]
    if [leaf.shape for leaf in loaded] != [leaf.shape for leaf in leaves]:
        raise ValueError(f"the checkpoint {path} is not of this configuration")
    return jax.tree.unflatten(structure, loaded)
