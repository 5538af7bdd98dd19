"""A sheet of text as LaTeX, CSV and Markdown."""

from collections.abc import Callable
from dataclasses import dataclass


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


def latex(sheet: Sheet) -> str:
    """A booktabs tabular (`\\usepackage{booktabs}`); text is escaped."""

    def line(cells: tuple[str, ...]) -> str:
        return " & ".join(map(escape_latex, cells)) + r" \\"

    columns = "l" + "r" * (len(sheet.headings) - 2) + "l"
    body = "\n".join(map(line, sheet.rows))
    return (
        f"\\begin{{tabular}}{{{columns}}}\n\\toprule\n{line(sheet.headings)}\n\\midrule\n"
        f"{body}\n\\bottomrule\n\\end{{tabular}}\n"
    )


FORMATS: dict[str, Callable[[Sheet], str]] = {"tex": latex, "csv": csv, "md": markdown}

LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{mark: "\\" + mark for mark in "&%$#_{}"},
}


def escape_latex(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    greek = {"alpha": r"$\alpha$", "beta": r"$\beta$"}
    return greek.get(text) or "".join(LATEX.get(letter, letter) for letter in text)
