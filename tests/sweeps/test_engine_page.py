"""What docs/engines.md shows can be given as it stands."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from sweeps.engines import make
from sweeps.sections import EngineConfig

PAGE = (Path(__file__).parents[2] / "docs" / "engines.md").read_text("utf-8")
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


def settings(block: str) -> EngineConfig:
    """A block is a section `engine`, or shows the lines of a `command` alone."""
    found = YAML(typ="safe").load(block)
    whole = found.get("engine", {"name": "command", "command": found})
    return EngineConfig.model_validate(whole)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split()[1])
def test_its_settings_are_valid(block, tmp_path):
    config = settings(block)
    if config.name == "command":
        lines = make("command", tmp_path, 2, config).render().splitlines()
        assert len(lines) == 2
        assert all(f"-m scaling worker {tmp_path} --name worker-" in line for line in lines)


def test_it_names_every_setting():
    sections = {name: EngineConfig.model_fields[name] for name in ("slurm", "ray", "command")}
    for field in sections.values():
        for name in field.annotation.model_fields:
            assert name in PAGE, f"{field.annotation.__name__}.{name}"
