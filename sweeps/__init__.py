"""Many measurements: a manifest becomes runs, runs become cohorts, an engine fills the store.

`load(path)` reads and validates a manifest; `run(manifest, directory)` trains what is missing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweeps.launch import run
    from sweeps.manifest import Manifest, load

__all__ = ["Manifest", "load", "run"]

_HOMES = {"Manifest": "sweeps.manifest", "load": "sweeps.manifest", "run": "sweeps.launch"}


def __getattr__(name: str) -> Any:
    """Import a public name when first asked for: `scaling status` needs none of them."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sweeps' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
