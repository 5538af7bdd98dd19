"""The command `preference`: what votes on pairs of images say."""

from pathlib import Path
from typing import Annotated

import typer

from scaling.cli.analysis import ColumnsOption, errors_for_people, mapping


def preference(
    votes: Annotated[
        Path, typer.Argument(metavar="DIR|FILE", help="a sweep's directory, or a table of votes")
    ],
    *,
    without: Annotated[
        list[str] | None, typer.Option(help="a rater to leave out; may be given several times")
    ] = None,
    columns: ColumnsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Say how often people prefer each run's images to real ones, and how far raters agree.

    And which inference setting they prefer of a run whose settings they voted on.
    """
    with errors_for_people():
        import json
        from dataclasses import asdict

        from analysis import read
        from analysis.directory import TABLES, VOTES, is_sweep
        from analysis.formats import markdown
        from analysis.preference import sheets
        from analysis.preference import votes as tables
        from analysis.preference.measured import with_judges
        from analysis.preference.setting_sheets import setting_sentences, settings_sheet
        from analysis.preference.settings import costs_of, preferred_settings
        from analysis.preference.study import preferences

        swept = is_sweep(votes)
        if swept and not (votes / VOTES).is_file():
            raise ValueError(
                f"{votes}: nobody has voted yet; `scaling annotate {votes}` asks people"
            )
        frame = tables.read(votes / VOTES if swept else votes, mapping(columns))
        left_out = without or []
        unknown = set(left_out) - set(frame["rater"])
        if unknown:
            there = ", ".join(sorted(set(frame["rater"])))
            raise ValueError(f"--without {min(unknown)}: there is no such rater; there are {there}")
        counted = frame[~frame["rater"].isin(left_out)]
        if swept:
            counted = with_judges(counted, votes)
        found = preferences(counted)
        about, costs = {}, {}
        if (votes / TABLES[0]).is_file():
            table = read(votes)
            about, costs = sheets.about_runs(table.frame), costs_of(table.tried)
        chosen = tuple(preferred_settings(counted, costs))
        if as_json:
            told = {**asdict(found), "settings": [asdict(of_run) for of_run in chosen]}
            typer.echo(json.dumps(told, indent=1, default=str))
            return
        for sheet in (
            sheets.rates_sheet(found, about),
            settings_sheet(chosen, about),
            sheets.raters_sheet(found),
            sheets.agreement_sheet(found),
        ):
            if sheet.rows:
                typer.echo(f"{sheet.title}\n\n{markdown(sheet)}")
        if left_out:
            typer.echo(f"left out: {', '.join(left_out)}")
        for line in (*sheets.sentences(found), *setting_sentences(chosen)):
            typer.echo(line)
