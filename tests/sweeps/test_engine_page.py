"""What the pages on engines show can be given as it stands."""

import re
import shlex
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.main import get_command

from scaling.cli.app import app
from sweeps.engines import make
from sweeps.sections import EngineConfig

DOCS = Path(__file__).parents[2] / "docs"
NAMES = ("engines", "devices", "gpu", "slurm", "ray", "tpu")
PAGES = {name: (DOCS / f"{name}.md").read_text("utf-8") for name in NAMES}
PAGE = "\n".join(PAGES.values())
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


def commands() -> list[list[str]]:
    """Every command `scaling` of the pages, whatever executes it."""
    found = re.findall(
        r"(?<![\w/.-])scaling ((?:run|worker|plan|status) .*?)(?:\s+#.*|[\"&`].*)?$", PAGE, re.M
    )
    return [shlex.split(line) for line in found]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_its_commands_exist_with_their_options(words):
    context = get_command(app).make_context("scaling", list(words), resilient_parsing=True)
    command = context.command.get_command(context, words[0])
    command.make_parser(context).parse_args(words[1:])


def test_its_links_lead_somewhere():
    for page in PAGES.values():
        for name in re.findall(r"\]\((\w+\.md)", page):
            assert (DOCS / name).is_file(), name
