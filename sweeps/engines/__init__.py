"""Where cohorts execute: an engine starts workers, and the workers claim cohorts."""

from collections.abc import Callable
from pathlib import Path

from sweeps.engines.interface import Ended, Engine
from sweeps.engines.local import LocalEngine

__all__ = ["ENGINES", "Ended", "Engine", "LocalEngine"]

ENGINES: dict[str, Callable[[Path, int], Engine]] = {"local": LocalEngine}
"""By the manifest's `engine.name`: made from the sweep's directory and the number of workers."""
