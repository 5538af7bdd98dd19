"""Every command and every example of the README is carried out, on a sweep made small."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ruamel.yaml import YAML

import sweeps
from sweeps.manifest import shipped

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()

SMALL = """\
name: quickstart
data: {source: emoji, size: 16}
model: {patch_size: 4}
train: {steps: 8, batch_size: 8}
measure:
  horizons: {first: 2, count: 3}
  log_snr: [-2, 0, 2]
  held_out_examples: 16
  train_examples: 16
  samples: {count: 2, steps: 2}
sweep:
  grid:
    model.rung: [20k, 40k, 70k]
    seed: [0, 1]
fit: {bootstrap: 100}
"""


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def file_of(block: str) -> str | None:
    """The name in the first line's comment, such as `# density.yaml: does ...`."""
    found = re.match(r"# (\w+\.\w+)", block)
    return found and found[1]


SMALLEST = SMALL.replace("[20k, 40k, 70k]", "[20k]").replace("count: 2, steps: 2", "count: 0")
"""Where it is enough that a sweep was run."""

COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]
MEASURING = (ROOT / "docs" / "measuring.md").read_text()
FRAGMENTS = [
    block for page in (README, MEASURING) for block in blocks("yaml", page) if not file_of(block)
]


def prepared(folder: Path, manifest: str) -> Path:
    """With a small manifest, the README's files and a foreign table in it."""
    (folder / "small.yaml").write_text(manifest)
    for block in blocks("yaml") + blocks("python"):
        if name := file_of(block):
            (folder / name).write_text(block)
    sizes = np.array([1e4, 2e4, 5e4, 1e5, 2e5, 5e5])
    losses = 0.1 + 3 * sizes**-0.4
    rows = [f"{n:.0f},{loss:.6f}" for n, loss in zip(sizes, losses, strict=True)]
    (folder / "losses.csv").write_text("\n".join(["N,loss", *rows]) + "\n")
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the small quickstart run in it."""
    folder = prepared(tmp_path_factory.mktemp("readme"), SMALL)
    carry_out("uv run scaling run quickstart", folder)
    return folder


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def carry_out(line: str, folder: Path) -> str:
    """Run a line of the README in `folder`, `run quickstart` standing for the small manifest."""
    line, _, file = line.partition(" > ")
    words = shlex.split(line.replace("run quickstart", "run small.yaml"))
    assert words[:2] == ["uv", "run"]
    program = {"scaling": ("-m", "scaling"), "python": ()}[words[2]]
    done = python(folder, *program, *words[3:])
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    if file:
        (folder / file).write_text(done.stdout)
    return done.stdout


SET_UP = "pip install uv && "


@pytest.mark.slow
@pytest.mark.parametrize("line", [c for c in COMMANDS if not c.startswith(SET_UP)])
def test_a_command_works(line, place):
    assert carry_out(line, place).strip() or line.startswith("uv run python")


def test_the_two_set_up_commands_are_the_ones_tested(tmp_path):
    carry_out("uv run scaling run quickstart", prepared(tmp_path, SMALLEST))
    main_job, tests = [line.removeprefix(SET_UP) for line in COMMANDS if line.startswith(SET_UP)]
    assert "nothing to train" in carry_out(main_job, tmp_path)
    assert tests == "uv run pytest"  # this very run; and so that the same line serves everywhere:
    assert f"{SET_UP}{tests}\n" in (ROOT / ".ci" / "run").read_text()


def merged(base: dict[str, Any], part: dict[str, Any]) -> dict[str, Any]:
    both = {key: part.get(key, base.get(key)) for key in {**base, **part}}
    for key in base.keys() & part.keys():
        if isinstance(base[key], dict) and isinstance(part[key], dict):
            both[key] = merged(base[key], part[key])
    return both


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_part_of_a_manifest_is_valid(fragment, tmp_path, monkeypatch):
    monkeypatch.chdir(prepared(tmp_path, SMALL))
    yaml = YAML(typ="safe", pure=True)
    with Path("part.yaml").open("w") as file:
        yaml.dump(merged(yaml.load(SMALL), yaml.load(fragment)), file)
    assert len(sweeps.load("part.yaml").runs) == 6


@pytest.mark.slow
def test_the_python_example_works(place):
    (example,) = [block for block in blocks("python") if not file_of(block)]
    code = example.replace('sweeps.load("quickstart")', 'sweeps.load("small.yaml")')
    done = python(place, "-c", code)
    assert done.returncode == 0, done.stderr
    assert "20k" in done.stdout


def test_shipped_manifests_are_valid_and_their_rungs_are_as_said():
    for name in shipped():
        assert len(sweeps.load(name).runs) >= 4
    sizes = {run.config.model.rung for run in sweeps.load("quickstart").runs}
    assert len(sizes) >= 5


def test_the_quickstart_measures_samples_by_two_distances_and_two_judges():
    for run in sweeps.load("quickstart").runs:
        distances, preference = run.config.measure.distances, run.config.measure.preference
        assert distances.samples and set(distances.metrics) == {"kid", "fd_infinite"}
        assert preference.samples and preference.judges == ("real_or_generated", "caption_match")
        assert preference.shares(distances)


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))])
def test_files_that_a_page_shows_exist(page):
    for name in re.findall(r"\]\(((?!http)[^)#]+)\)", page.read_text()):
        assert (page.parent / name).is_file(), name
