"""`scaling fit`, `plot`, `table` and `report`: from measurements to laws and pages, without jax."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scaling.cli.answer import FITS, Grid, answer, grid, keep, kept, show
from scaling.cli.fit_settings import chosen
from scaling.cli.several import agreed, require_apart

if TYPE_CHECKING:
    from analysis import FitSettings, Study

TableArgument = Annotated[
    Path,
    typer.Argument(
        help="a sweep's directory; a CSV, JSON or Parquet file; a folder of TensorBoard or W&B "
        "runs; or example:NAME"
    ),
]
TablesArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="TABLE...",
        help="as for `scaling fit`; several are compared, each a series named by its file or "
        "directory",
    ),
]
MetricOption = Annotated[str | None, typer.Option(help="metric to fit")]
WeightsOption = Annotated[str | None, typer.Option(help="raw, or which moving average")]
SplitOption = Annotated[str | None, typer.Option(help="held_out or train")]
SizeOption = Annotated[str | None, typer.Option(help="column used as N")]
HoldOutOption = Annotated[
    int | None, typer.Option(help="largest rungs kept from the fit and predicted")
]
FirstStepOption = Annotated[int | None, typer.Option(help="drop horizons before this step")]
BootstrapOption = Annotated[int | None, typer.Option(help="replicates; 0 for no intervals")]
IntervalsOption = Annotated[
    str | None,
    typer.Option(
        help="of parameters: by bootstrap, profile (likelihood) or delta (linearised)",
        metavar="bootstrap|profile|delta",
    ),
]
InferenceOption = Annotated[
    str | None,
    typer.Option(
        help="of samples: fixed, the manifest's setting, or best, each run's own",
        metavar="fixed|best",
    ),
]
ColumnsOption = Annotated[
    str | None,
    typer.Option(
        help="what a foreign table's columns are, as they stand or worked out: "
        "'parameters=N*1e6,value=loss,flops=6*N*D'"
    ),
]
AlongOption = Annotated[
    str | None,
    typer.Option(
        help="what laws in one variable are fitted along, instead of the size: steps, images, "
        "flops, another metric, or a column of the table"
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="a setting of a manifest's fit section, such as loss=squares or known.E=0.12; again "
        "for more",
        metavar="KEY=VALUE",
    ),
]
OutputOption = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="where to write; by default the sweep's directory"),
]


def fit(
    table: TableArgument,
    *,
    law: Annotated[
        str | None,
        typer.Option(help="only this law: a name of `scaling laws`, or FILE.py:NAME"),
    ] = None,
    along: AlongOption = None,
    metric: MetricOption = None,
    weights: WeightsOption = None,
    split: SplitOption = None,
    size: SizeOption = None,
    hold_out: HoldOutOption = None,
    first_step: FirstStepOption = None,
    huber_delta: Annotated[
        float | None, typer.Option(help="on log residuals; default: from their spread")
    ] = None,
    bootstrap: BootstrapOption = None,
    intervals: IntervalsOption = None,
    inference: InferenceOption = None,
    columns: ColumnsOption = None,
    pairs: SetOption = None,
    json: Annotated[bool, typer.Option("--json", help="print JSON for machines")] = False,
) -> None:
    """Fit scaling laws with intervals, and predict the largest rungs from the others."""
    with errors_for_people():
        choices = {
            "metric": metric,
            "weights": weights,
            "split": split,
            "size": size,
            "hold_out": hold_out,
            "first_step": first_step,
            "huber_delta": huber_delta,
            "bootstrap": bootstrap,
            "intervals": intervals,
            "inference": inference,
            "laws": (law,) if law else None,
        }
        settings = chosen(table, choices, pairs or ())
        if _is_sweep(table) and not law and not along and not columns:
            _answer_of_sweep(table, json, settings)
            return
        study = _study([table], columns, settings, along)
        if json:
            typer.echo(study.to_json(), nl=False)
        else:
            show(answer(study))


def _answer_of_sweep(directory: Path, json: bool, settings: "FitSettings") -> None:
    """Say what the directory keeps, if it is still true; else fit, and keep that."""
    said = kept(directory, settings)
    if said is None:
        study = _study([directory], None, settings)
        study.save(directory / FITS)
        said = keep(directory, study)
    if json:
        typer.echo((directory / FITS).read_text("utf-8"), nl=False)
    else:
        show(said)


def laws(
    *, latex: Annotated[bool, typer.Option("--latex", help="formulas as LaTeX sets them")] = False
) -> None:
    """List the laws that can be fitted."""
    from analysis import LAWS

    formulas = {name: law.latex if latex else law.formula for name, law in LAWS.items()}
    rows = [(name, formulas[name], law.source) for name, law in LAWS.items()]
    from rich.console import Console

    Console().print(grid(Grid(headings=("law", "formula", "source"), rows=rows)))


def _writes(write: Callable[["Study", Path, str], Iterable[object]]) -> Callable[..., str]:
    """A command that analyses tables; `write` puts the study, titled, in a directory.

    It gives the lines to say.
    """

    def command(
        tables: TablesArgument,
        *,
        output: OutputOption = None,
        metric: MetricOption = None,
        weights: WeightsOption = None,
        split: SplitOption = None,
        hold_out: HoldOutOption = None,
        inference: InferenceOption = None,
        columns: ColumnsOption = None,
    ) -> str:
        with errors_for_people():
            from analysis.in_depth import in_depth

            choices = {"metric": metric, "weights": weights, "split": split}
            choices |= {"hold_out": hold_out, "inference": inference}
            require_apart(tables, output)
            study = in_depth(_study(tables, columns, _agreed(tables, choices)))
            title = " and ".join(_place(table).resolve().stem for table in tables)
            said = "\n".join(map(str, write(study, _output(tables[0], output), title)))
            typer.echo(said, nl=bool(said))
        return said

    # Not functools.wraps, by which typer would see the arguments of what is wrapped.
    command.__name__, command.__doc__ = write.__name__, write.__doc__
    return command


@_writes
def plot(study: "Study", directory: Path, title: str) -> Iterable[object]:
    """Draw the figures as PDF, SVG and PNG."""
    from analysis.figures import draw, write_figures

    stems = write_figures(draw(study), directory / "figures")
    return [f"{stem}.{{pdf,svg,png}}" for stem in stems]


@_writes
def table(study: "Study", directory: Path, title: str) -> Iterable[object]:
    """Write the tables of runs, rungs, fits and hold-outs as LaTeX, CSV and Markdown."""
    from analysis.every_table import write_tables

    return write_tables(study, directory / "tables")


@_writes
def report(study: "Study", directory: Path, title: str) -> Iterable[object]:
    """Write fits, figures, tables and one self-contained HTML page."""
    from analysis.headline import headline
    from analysis.outputs import write_all
    from analysis.transfer import rates_sentences, tuning_sentence

    page = write_all(study, directory, title)
    keep(directory, study)
    answers = [
        f"{s.label}: {headline(s)[1]} {tuning_sentence(s)}".removeprefix(": ").rstrip()
        for s in study.series
    ]
    together = (*study.comparisons, *study.shifts, *study.not_compared)
    compared = [item.sentence() for item in together]
    return [*answers, *rates_sentences(study), *compared, page]


def _agreed(paths: list[Path], choices: dict[str, Any]) -> "FitSettings":
    """The settings of the tables' manifests, overridden by what was asked for."""
    described = [path for path in paths if _is_sweep(path)] or paths[:1]
    return agreed({path: chosen(path, choices) for path in described})


def _study(
    paths: list[Path], columns: str | None, settings: "FitSettings", along: str | None = None
) -> "Study":
    """Analyse tables, their laws in one variable along `along`."""
    import analysis

    tables = [analysis.read(path, mapping(columns)) for path in paths]
    for table in tables:
        if table.foreign:
            typer.echo(table.summary(), err=True)
    return analysis.analyse(tables, settings, along)


def mapping(columns: str | None) -> dict[str, str] | None:
    """'parameters=N*1e6,value=loss' as a dictionary; commas in (...) or `...` part nothing."""
    if columns is None:
        return None
    parts, depth, quoted = [""], 0, False
    for letter in columns:
        quoted ^= letter in "`'"
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth and not quoted:
            parts.append("")
        else:
            parts[-1] += letter
    pairs = [[side.strip() for side in part.partition("=")] for part in parts]
    if not all(left and equals and right for left, equals, right in pairs):
        raise ValueError(
            "--columns wants 'ours=theirs,...', as in 'parameters=N' or 'parameters=N*1e6'; "
            f"not {columns!r}"
        )
    twice = [left for i, (left, *_) in enumerate(pairs) if left in [p[0] for p in pairs[:i]]]
    if twice:
        raise ValueError(f"--columns names '{twice[0]}' twice")
    return {left: right for left, _, right in pairs}


def _output(table: Path, output: Path | None) -> Path:
    """Where results go: into a sweep's directory, beside anybody else's file or folder."""
    if output is not None:
        return output
    if _is_sweep(table):
        return table
    place = _place(table) if _place(table).name else table.resolve()
    return place.with_name(f"{place.name if place.is_dir() else place.stem}-scaling")


def _place(table: Path) -> Path:
    """The path of a table; an example's name stands for one here."""
    return Path(str(table).removeprefix("example:"))


def _is_sweep(table: Path) -> bool:
    from analysis.directory import is_sweep

    return is_sweep(table)


@contextmanager
def errors_for_people() -> Iterator[None]:
    """Bad input ends with its message and exit status 2, without a traceback."""
    try:
        yield
    except (ValueError, OSError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None
