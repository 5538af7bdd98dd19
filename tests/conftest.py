"""Shared by all tests: a compilation cache, so that a program is compiled once per machine."""

import os
import tempfile
from pathlib import Path

CACHE = Path(
    os.environ.get("SCALING_TEST_CACHE", Path(tempfile.gettempdir()) / "scaling-test-cache")
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("SCALING_CACHE", str(CACHE))
