"""A sheet of text as LaTeX, CSV and Markdown."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from analysis.files import write


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A title, column headings and rows of text, ready to be written in any format."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def filled(self) -> "Sheet":
        """The sheet without the columns in which every cell is empty."""
        kept = [i for i in range(len(self.headings)) if any(row[i] for row in self.rows)]
        return Sheet(
            title=self.title,
            headings=tuple(self.headings[i] for i in kept),
            rows=tuple(tuple(row[i] for i in kept) for row in self.rows),
        )


def markdown(sheet: Sheet) -> str:
    """A pipe table."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    rule = "|" + "---|" * len(sheet.headings)
    return "\n".join([line(sheet.headings), rule, *map(line, sheet.rows)]) + "\n"


def csv(sheet: Sheet) -> str:
    """Comma-separated, quoted where needed."""

    def cell(text: str) -> str:
        quoted = text.replace('"', '""')
        return f'"{quoted}"' if any(mark in text for mark in ',"\n') else text

    return "".join(",".join(map(cell, row)) + "\n" for row in (sheet.headings, *sheet.rows))


PROSE = 34
"""Letters from which on a cell is prose, and its column broken into lines."""
PARAGRAPH = r">{\raggedright\arraybackslash}p{0.3\linewidth}"


def latex(sheet: Sheet) -> str:
    """A tabular, for `\\usepackage{booktabs, siunitx}`; text that is no number is escaped.

    Columns of prose are paragraphs, so that a note does not leave the page.
    """

    def line(cells: Iterable[str]) -> str:
        return " & ".join(cells) + r" \\"

    plain_columns = "l" + "r" * (len(sheet.headings) - 2) + "l"
    longest = [
        max([len(row[i]) for row in sheet.rows], default=0) for i in range(len(plain_columns))
    ]
    columns = "".join(
        PARAGRAPH if n > PROSE else letter for letter, n in zip(plain_columns, longest, strict=True)
    )
    shown = [escape_latex if name in NAMES else in_latex for name in sheet.headings]
    body = "\n".join(
        line(show(cell) for show, cell in zip(shown, row, strict=True)) for row in sheet.rows
    )
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{line(map(escape_latex, sheet.headings))}\n"
        f"\\midrule\n{body}\n\\bottomrule\n\\end{{tabular}}\n"
    )


FORMATS: dict[str, Callable[[Sheet], str]] = {"tex": latex, "csv": csv, "md": markdown}


def write_sheet(sheet: Sheet, stem: Path) -> list[Path]:
    """Write the sheet's filled columns as `stem` with each format's ending."""
    paths = [stem.with_name(f"{stem.name}.{suffix}") for suffix in FORMATS]
    for path, render in zip(paths, FORMATS.values(), strict=True):
        write(path, render(sheet.filled()))
    return paths


LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "[": "{[}",  # which after a line's end would be its argument
    **{mark: "\\" + mark for mark in "&%$#_{}"},
}


def plain(number: str) -> str:
    """Without marks between thousands, which siunitx sets itself."""
    return number.replace(",", "")


def num(number: str) -> str:
    """One of siunitx's numbers."""
    return rf"\num{{{plain(number)}}}"


NAMES = frozenset({"run", "rung", "law", "series", "schedule", "against"})
"""Headings of columns whose cells are names, though they may look like numbers."""

NUMBER = r"[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?"
FORMS: tuple[tuple[re.Pattern[str], Callable[..., str]], ...] = (
    (re.compile(rf"({NUMBER})"), num),
    (re.compile(rf"({NUMBER}) ?%"), lambda n: rf"\qty{{{plain(n)}}}{{\percent}}"),
    (
        re.compile(rf"({NUMBER}) ± ({NUMBER})"),
        lambda n, error: rf"\num{{{plain(n)} \pm {plain(error)}}}",
    ),
    (
        re.compile(rf"\[({NUMBER}), ({NUMBER})\]"),
        lambda low, high: f"{{[}}{num(low)}, {num(high)}]",
    ),
    (
        re.compile(rf"({NUMBER}) \[({NUMBER}), ({NUMBER})\]"),
        lambda n, low, high: f"{num(n)} [{num(low)}, {num(high)}]",
    ),
    (
        re.compile(rf"({NUMBER}) \[({NUMBER}), ({NUMBER})\] \((\w+)\)"),
        lambda n, low, high, word: f"{num(n)} [{num(low)}, {num(high)}] ({word})",
    ),
    (re.compile(r"(\$[^$]+\$)"), str),  # a formula
    (re.compile(rf"({NUMBER}) \((\w+)\)"), lambda n, word: f"{num(n)} ({word})"),
)
"""What cells look like, each with its parts in LaTeX."""


def in_latex(cell: str) -> str:
    """A cell: numbers with their errors or intervals as such, anything else as text."""
    for form, render in FORMS:
        if found := form.fullmatch(cell):
            return render(*found.groups())
    return escape_latex(cell)


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    greek = {name: rf"$\{name}$" for name in ("alpha", "beta", "gamma", "kappa")}
    return greek.get(text) or "".join(LATEX.get(letter, letter) for letter in text)
