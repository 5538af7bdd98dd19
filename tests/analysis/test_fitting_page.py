"""docs/fitting.md: its example prints what it says, and its settings are settings."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

import analysis
from scaling.cli.app import app
from sweeps.sections import FitConfig

PAGE = (Path(__file__).parents[2] / "docs" / "fitting.md").read_text()


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def numbers(line: str) -> list[float]:
    return [float(text) for text in re.findall(r"\d+\.\d+", line)]


def test_the_example_prints_what_the_page_says():
    code, out = block("python"), io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(code, {})
    printed = out.getvalue().splitlines()
    said = [line[2:] for line in code.splitlines() if line.startswith("# ")]
    assert len(printed) == len(said) == 3
    for here, there in zip(printed, said, strict=True):
        assert numbers(here) == pytest.approx(numbers(there), rel=0.1)
        assert here.rpartition("(")[2] == there.rpartition("(")[2]
    widths = [np.ptp(numbers(line)[1:]) for line in said]
    assert widths[2] > 10 * widths[1]


@pytest.mark.parametrize("line", re.findall(r"^scaling (fit example.*)$", PAGE, re.MULTILINE))
def test_the_commands_run(line):
    done = CliRunner().invoke(app, [*line.split(), "--bootstrap", "0"])
    assert done.exit_code == 0, done.output


def test_the_settings_are_settings():
    given = YAML(typ="safe").load(block("yaml"))["fit"]
    assert FitConfig.model_validate(given).known == {"E": [0.28, 0.005]}  # as a manifest reads it
    settings = analysis.FitSettings(**given)
    assert settings.known_values == {"E": (0.28, 0.005)}
