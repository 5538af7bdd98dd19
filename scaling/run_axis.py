"""How a cohort's runs share one program: side by side, or one after another."""

from collections.abc import Callable
from typing import Any

import jax
from jax.sharding import Mesh


def for_each_run(function: Callable[[Any], Any], per_run: Any, mesh: Mesh | None = None) -> Any:
    """Apply `function` of one run to a tree of arrays with a leading run axis.

    With a mesh, that axis is split along the mesh's `run`. On a single CPU the runs are computed
    one after another: it has no units to fill, and products batched over runs are slower there.
    """
    if jax.default_backend() == "cpu" and (mesh is None or mesh.size == 1):
        return jax.lax.map(function, per_run)
    return jax.vmap(function, spmd_axis_name=None if mesh is None else "run")(per_run)
