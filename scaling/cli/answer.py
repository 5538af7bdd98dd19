"""What `scaling fit` says: as plain data, which a sweep's directory keeps, and on the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from analysis import FitSettings, Series, Study

KEPT, FITS = "answer.json", "fits.json"


class Grid(TypedDict):
    """Cells of text under headings."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


class Part(TypedDict):
    """The answer of one series: sentences, then predictions and fits, then what was noted."""

    label: str
    sentences: Sequence[str]
    predictions: Grid
    fits: Grid
    notes: Sequence[str]


class Answer(TypedDict):
    """The answers of every series, and what is said of them together."""

    parts: Sequence[Part]
    sentences: Sequence[str]


def answer(study: "Study") -> Answer:
    """All that `scaling fit` says of a study."""
    from analysis.transfer import rates_sentences

    compared = (*study.comparisons, *study.not_compared)
    together = (*rates_sentences(study), *(item.sentence() for item in compared))
    return Answer(parts=[_part(series) for series in study.series], sentences=together)


def _part(series: "Series") -> Part:
    from analysis.fit_sheets import every_fit, fits_sheet, p_values
    from analysis.headline import headline
    from analysis.tables import hold_out_sheet
    from analysis.transfer import tuning_sentence

    sheet, rows, notes = fits_sheet(series), [], []
    names = sheet.headings[2:-2]
    for told, (law, fitted, *cells, residual, note) in zip(
        every_fit(series), sheet.rows, strict=True
    ):
        values = [f"{n} {v}" for n, v in zip(names, cells, strict=True) if v]
        if values:
            rows.append([law, fitted, "\n".join(values), residual, p_values(told.tests)])
        if note:
            notes.append(f"{law}, {fitted}: {note}")
    notes += [f"left out: {x.run} ({x.rung}): {x.reason}" for x in series.selection.excluded]
    fitted_as = ("law", "fitted to", "parameters", "residual", "p of residuals")
    held = ("law", "rung", "predicted", "interval", "measured", "error", "/noise", "")
    return Part(
        label=series.label,
        sentences=[*filter(None, (headline(series)[1], tuning_sentence(series)))],
        predictions=Grid(headings=held, rows=[r for r in hold_out_sheet(series).rows if r[1]]),
        fits=Grid(headings=fitted_as, rows=rows),
        notes=[*notes, *series.selection.notes],
    )


def show(said: Answer) -> None:
    """Print an answer for people."""
    from rich.console import Console

    console = Console()
    for part in said["parts"]:
        if part["label"]:
            console.rule(part["label"])
        for sentence in part["sentences"]:
            console.print(sentence, markup=False, highlight=False)
        if part["predictions"]["rows"]:
            console.print(grid(part["predictions"]))
        console.print(grid(part["fits"]))
        for note in part["notes"]:
            console.print(f"- {note}", markup=False, highlight=False)
    for sentence in said["sentences"]:
        print(sentence)


def grid(cells: Grid) -> "RichTable":
    """Cells as rich draws them, taken literally."""
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table as RichTable

    drawn = RichTable(box=SIMPLE_HEAD, padding=(0, 1), pad_edge=False)
    for heading in cells["headings"]:
        drawn.add_column(heading, overflow="fold")
    for row in cells["rows"]:
        drawn.add_row(*map(escape, row))
    return drawn


def kept(directory: Path, settings: "FitSettings") -> Answer | None:
    """The answer in a sweep's directory, if tables, settings, code and fits.json are still its."""
    from analysis.directory import fingerprint
    from sweeps.store.writing import read_json

    found: Any = read_json(directory / KEPT) or {}
    if found.get("of") != fingerprint(directory, settings) or found.get("fits") != _fits(directory):
        return None
    return found["answer"]


def keep(directory: Path, study: "Study") -> Answer:
    """What a study answers, written beside its fits.json if it is of that table alone."""
    from analysis.directory import fingerprint, measured
    from analysis.imports.imported import digest_of
    from sweeps.store.writing import to_json, write

    said, of = answer(study), fingerprint(directory, study.asked or study.settings)
    files = measured(directory)
    of_it_alone = study.tables == 1 and files[0].is_file()
    if of_it_alone and study.inputs.get(str(directory)) == digest_of(files):
        write(directory / KEPT, to_json({"of": of, "fits": _fits(directory), "answer": said}))
    return said


def _fits(directory: Path) -> str | None:
    from hashlib import sha256

    path = directory / FITS
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else None
