"""Where cohorts execute: an engine starts workers, and the workers claim cohorts."""

from sweeps.engines.interface import Ended, Engine
from sweeps.engines.local import LocalEngine
from sweeps.engines.registry import make, require

__all__ = ["Ended", "Engine", "LocalEngine", "make", "require"]
