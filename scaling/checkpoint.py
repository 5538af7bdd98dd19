"""Checkpoints of one run's training state, one directory a step; orbax writes each atomically.

Arrays that lie on the devices of several processes are written by each its own part, and read so.
Which devices a state was saved from does not matter to whoever reads it.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from scaling import group

KEEP = 2
"""Of an attempt: a cohort saves its runs one after another, and may be cut off in between."""


def save(directory: Path, step: int, state: Any) -> None:
    """Write `directory/<step>`, then drop all but the newest `KEEP`; OSError on a full disk."""
    begin(directory, step, state)()


def begin(directory: Path, step: int, state: Any) -> Callable[[], None]:
    """Write in the background; what comes back waits, drops the old ones, and raises as `save`.

    The state's arrays must not change before that.
    """
    leaves = {str(i): leaf for i, leaf in enumerate(jax.tree.leaves(state))}
    path = str((directory / str(step)).absolute())
    writing = ocp.save_async(path, leaves, overwrite=True)

    def finish() -> None:
        try:
            writing.result()
        except ValueError as error:  # how tensorstore passes on what the system refused
            code = re.search(r"os_error_code='(\d+)'", str(error))
            if code is None:
                raise
            raise OSError(int(code[1]), os.strerror(int(code[1])), path) from error
        if group.is_first():
            for old in sorted(steps(directory))[:-KEEP]:
                shutil.rmtree(directory / str(old))

    return finish


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

    A leaf with a sharding is read onto its devices, each process its own part; others are whole
    arrays of numpy. Raises ValueError where the saved shapes are not those of `like`.
    """
    leaves, structure = jax.tree.flatten(like)
    about: Any = ocp.metadata(str(path.absolute())).metadata
    if [about[str(i)].shape for i in range(len(about))] != [leaf.shape for leaf in leaves]:
        raise ValueError(f"the checkpoint {path} is not of this configuration")
    wanted = {str(i): _wanted(leaf, about[str(i)].dtype) for i, leaf in enumerate(leaves)}
    loaded: Any = ocp.load(str(path.absolute()), wanted)
    return jax.tree.unflatten(structure, [loaded[name] for name in wanted])


def _wanted(leaf: Any, dtype: np.dtype) -> Any:
    sharding = getattr(leaf, "sharding", None)
    if isinstance(leaf, jax.ShapeDtypeStruct) and sharding is not None:
        return jax.ShapeDtypeStruct(leaf.shape, dtype, sharding=sharding)
    return np.empty(leaf.shape, dtype)
