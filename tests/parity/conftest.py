"""A second implementation, in PyTorch, run by an interpreter that has it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def torch_python() -> str:
    """SCALING_TORCH_PYTHON, or this interpreter if it has PyTorch; skips without."""
    named = os.environ.get("SCALING_TORCH_PYTHON")
    if named is None and find_spec("torch") is None:
        pytest.skip("no PyTorch here; SCALING_TORCH_PYTHON may name an interpreter that has it")
    return named or sys.executable


@pytest.fixture
def reference(torch_python, tmp_path) -> Callable[..., dict[str, np.ndarray]]:
    """Call `main(arrays, **options) -> arrays` of a script here; arrays are numpy's, by name."""

    def call(script: str, arrays: dict[str, np.ndarray], **options) -> dict[str, np.ndarray]:
        given, found = tmp_path / "given.npz", tmp_path / "found.npz"
        np.savez(given, **arrays)
        program = (
            "import json, sys, numpy; sys.path.insert(0, sys.argv[1]); "
            "module = __import__(sys.argv[2]); "
            "found = module.main(dict(numpy.load(sys.argv[3])), **json.loads(sys.argv[5])); "
            "numpy.savez(sys.argv[4], **found)"
        )
        command = [torch_python, "-c", program, HERE, script, given, found, json.dumps(options)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        last = done.stderr.strip().rpartition("\n")[2]
        if last.startswith("ModuleNotFoundError"):
            pytest.skip(f"the second interpreter lacks what {script} is compared with: {last}")
        assert done.returncode == 0, done.stderr
        with np.load(found) as stored:
            return dict(stored)

    return call
