"""The commands `votes export` and `votes import`: votes as tables."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scaling.cli.analysis import ColumnsOption, errors_for_people, mapping

if TYPE_CHECKING:
    import pandas as pd

    from scaling.preference.vote import Vote

app = typer.Typer(
    name="votes", help="Take votes out of a sweep, or other people's in.", no_args_is_help=True
)
DirectoryArgument = Annotated[Path, typer.Argument(metavar="DIR", help="a sweep's directory")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="a .csv or .jsonl")]


@app.command("export")
def export(directory: DirectoryArgument, file: FileArgument) -> None:
    """Write the votes that count, one a row; undone ones are left out."""
    with errors_for_people():
        from analysis.preference.votes import read
        from scaling.files import replacing
        from scaling.preference.directory import VOTES

        if not (directory / VOTES).is_file():
            raise ValueError(f"{directory}: nobody has voted yet: there is no {VOTES}")
        frame = read(directory / VOTES)
        for notice in frame.attrs["notices"]:
            typer.echo(notice, err=True)
        write = {".csv": _as_csv, ".jsonl": _as_lines}.get(file.suffix.lower())
        if write is None:
            raise ValueError(f"{file}: votes are written as .csv or .jsonl")
        with replacing(file) as draft:
            draft.write_text(write(frame), "utf-8")
        typer.echo(f"{file}: {len(frame)} votes")


def _as_csv(frame: "pd.DataFrame") -> str:
    return frame.to_csv(index=False)


def _as_lines(frame: "pd.DataFrame") -> str:
    import json

    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return "".join(json.dumps(row) + "\n" for row in rows)


@app.command("import")
def take(
    directory: DirectoryArgument,
    file: FileArgument,
    *,
    columns: ColumnsOption = None,
) -> None:
    """Add votes of a table, as of a crowd platform; those that are there already stay single."""
    with errors_for_people():
        from analysis.preference.votes import read
        from scaling.preference.directory import VOTES, alone
        from scaling.preference.settings import sources_in
        from scaling.preference.taking import take as take_in
        from scaling.preference.votes import VoteFile
        from sweeps.pictures import settings_archives
        from sweeps.store import Store

        store = Store.open(directory)
        frame = read(file, mapping(columns))
        for notice in frame.attrs["notices"]:
            typer.echo(notice, err=True)
        runs = {*store.sweep["runs"], *store.stray}
        kept = settings_archives(store, sorted(runs))
        sources = runs.union(*(sources_in(run, path) for run, path in kept))
        lines = _votes(directory, frame)
        with alone(directory):
            votes = VoteFile(directory / VOTES)
            taken = take_in(lines, votes, sources, str(file))
        for note in taken.notes:
            typer.echo(note, err=True)
        typer.echo(f"{votes.path}: {taken.added} votes added, {taken.known} were there already")


def _votes(directory: Path, frame: "pd.DataFrame") -> "dict[int, Vote]":
    """Votes by line; captions of the sweep's pairs find their ids."""
    from scaling.preference.directory import prompt_ids
    from scaling.preference.taking import identified
    from scaling.preference.vote import Vote

    known, found, met = prompt_ids(directory), {}, Counter()
    rows = frame.astype(object).where(frame.notna(), None)
    for line, row in zip(frame.index, rows.to_dict("records"), strict=True):
        told: dict[str, Any] = {str(name): cell for name, cell in row.items()}
        told["prompt_id"] = known.get(told["prompt_id"], told["prompt_id"])
        vote = Vote(**told)
        same = vote.rater, vote.kind, vote.prompt_id
        found[int(line)] = identified(vote, met[same])
        met[same] += 1
    return found
