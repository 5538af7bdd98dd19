"""Cells in LaTeX: siunitx's numbers where they are numbers, and text that prints as it stands."""

import shutil
import subprocess

import pytest

import analysis
from analysis.every_table import write_tables
from analysis.formats import Sheet, in_latex, latex
from analysis.in_depth import in_depth

CELLS = {
    "12,345": r"\num{12345}",
    "-1.5e-3": r"\num{-1.5e-3}",
    "0.354 [0.331, 0.378]": r"\num{0.354} [\num{0.331}, \num{0.378}]",
    "[0.1, 0.2]": r"{[}\num{0.1}, \num{0.2}]",
    "0.1399 ± 0.0005": r"\num{0.1399 \pm 0.0005}",
    "+1.20%": r"\qty{+1.20}{\percent}",
    "0.12 (known)": r"\num{0.12} (known)",
    r"$E + A\,x^{-\alpha}$": r"$E + A\,x^{-\alpha}$",
    "not identified": "not identified",
    "450k": "450k",
    "3f2a11": "3f2a11",
    "a_b & 50% of {x}": r"a\_b \& 50\% of \{x\}",
    "alpha": r"$\alpha$",
    "": "",
}


@pytest.mark.parametrize("cell", CELLS)
def test_a_cell(cell):
    assert in_latex(cell) == CELLS[cell]


SHEET = Sheet(
    title="All of them",
    headings=("cell", "alpha", "note"),
    rows=tuple((cell, cell, "50% & more") for cell in CELLS),
)


def test_rows_are_lines_between_rules():
    lines = latex(SHEET).splitlines()
    assert lines[:2] == [r"\begin{tabular}{lrl}", r"\toprule"]
    assert lines[2] == r"cell & $\alpha$ & note \\"
    assert len(lines) == len(CELLS) + 6
    assert lines[-2:] == [r"\bottomrule", r"\end{tabular}"]


def test_a_name_of_digits_is_no_number():
    sheet = Sheet(title="", headings=("run", "value", "note"), rows=(("1234e5", "1234e5", ""),))
    assert r"1234e5 & \num{1234e5} &" in latex(sheet)


def test_prose_is_broken_into_lines_and_numbers_are_not():
    prose = "its interval reaches zero, and more is not known"
    sheet = Sheet(title="", headings=("law", "E", "note"), rows=(("floor", "1.5", prose),))
    assert latex(sheet).startswith(
        r"\begin{tabular}{lr>{\raggedright\arraybackslash}p{0.3\linewidth}}"
    )


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex here")
def test_every_table_of_a_study_compiles(tmp_path, sweep):
    settings = analysis.FitSettings(bootstrap=100, laws=("power", "floor"))
    write_tables(in_depth(analysis.analyse([analysis.read(sweep)], settings)), tmp_path)
    names = sorted(path.name for path in tmp_path.glob("*.tex"))
    assert len(names) > 10
    page = "\n\n".join(rf"\noindent\input{{{name}}}" for name in names)
    (tmp_path / "page.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs, siunitx}\n"
        f"\\begin{{document}}\n{page}\n\\end{{document}}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no pdflatex here")
def test_it_compiles(tmp_path):
    page = (
        "\\documentclass{article}\\usepackage{booktabs, siunitx}\\begin{document}\n"
        f"{latex(SHEET)}\\end{{document}}\n"
    )
    (tmp_path / "page.tex").write_text(page)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
