"""The rooms and the arrows between them: who may import whom, and who never imports jax."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {"models", "scaling", "sweeps", "analysis"}
# A room may import itself and these; `scaling.cli`, the front door, may import every room.
ARROWS = {
    "models": set(),
    "scaling": {"models"},
    "sweeps": {"scaling", "models"},
    "analysis": set(),
}
JAX = {"jax", "flax", "optax", "orbax"}

FILES = [path for room in sorted(ROOMS) for path in sorted((ROOT / room).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Top-level names of every module that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_arrows_point_one_way(path):
    room = path.relative_to(ROOT).parts[0]
    allowed = ROOMS if (ROOT / "scaling" / "cli") in path.parents else {room} | ARROWS[room]
    assert not (imported(path) & ROOMS) - allowed
    if room == "analysis":
        assert not imported(path) & JAX


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_file_can_be_read_in_one_sitting(path):
    assert len(path.read_text().splitlines()) <= 400
    assert path.stem not in {"utils", "helpers", "misc", "common"}


def test_half_of_the_files_are_short():
    lengths = sorted(len(path.read_text().splitlines()) for path in FILES)
    assert lengths[len(lengths) // 2] < 150


@pytest.mark.parametrize(
    "statement",
    [
        "import models",
        "import scaling.config",
        "import sweeps",
        "import analysis",
        "import scaling.cli.app",
    ],
)
def test_importing_a_room_does_not_import_jax(statement):
    code = f"{statement}; import sys; print(sorted({JAX!r} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
