"""The command `annotate`: a page in the browser where people vote."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scaling.preference.pictures import Pictures
    from scaling.preference.sessions import Order, Sessions


def annotate(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="a sweep's directory")],
    *,
    rater: Annotated[
        list[str] | None,
        typer.Option(help="who votes; may be given several times, each has an address"),
    ] = None,
    settings: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="instead of all runs one, of this id or rung, under each inference setting that "
            "it tried",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the pairs' order and sides")] = 0,
    models: Annotated[
        float, typer.Option(min=0, max=0.9, help="share of pairs of two runs, or settings")
    ] = 0.0,
    controls: Annotated[
        float, typer.Option(min=0, max=0.9, help="share of pairs of two real pictures")
    ] = 0.05,
    checks: Annotated[float, typer.Option(min=0, max=0.9, help="share of attention checks")] = 0.05,
    adaptive: Annotated[
        bool,
        typer.Option(
            "--adaptive", help="ask most about the sizes that narrow the law in size soonest"
        ),
    ] = False,
    host: Annotated[
        str, typer.Option(help="where to listen; 0.0.0.0 lets other machines in, phones too")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option(help="a name that the page also goes by, as behind a server with HTTPS"),
    ] = None,
    only_plan: Annotated[
        bool,
        typer.Option("--plan", help="say what would be asked, and how much that tells; no more"),
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free")] = 8765,
) -> None:
    """Ask people which of two pictures they prefer, the generated or the real one.

    Ctrl+C ends it; the same command goes on where everybody was.
    """
    from scaling.cli import say
    from scaling.cli.vote_power import power
    from scaling.errors import InputError
    from scaling.preference import directory as kept
    from scaling.preference.pairs import Shares, counted, plan
    from scaling.preference.serve import address, listen, serve
    from scaling.preference.sessions import Sessions, as_planned
    from scaling.preference.settings import is_setting
    from scaling.preference.votes import VoteFile, read

    if adaptive and settings is not None:
        raise InputError("--adaptive is about sizes, and --settings about one run; leave one out")
    file_of_pairs, pictures = (
        (kept.PAIRS, of_runs(directory)) if settings is None else of_settings(directory, settings)
    )
    raters = named(rater or ["rater"])
    pairs = plan(pictures, Shares(models=models, controls=controls, checks=checks), seed)
    each = "run" if settings is None else "setting"
    so_far = [
        vote
        for vote in read(directory / kept.VOTES).votes.values()
        if is_setting(vote.first) == (settings is not None)
    ]
    for line in (counted(pairs, each), *power(len(pictures.ids), len(raters), so_far, each)):
        typer.echo(line)
    if only_plan:
        return
    with kept.alone(directory), listen(host, port) as listening:
        file = VoteFile(directory / kept.VOTES)
        if file.notice:
            say(file.notice)
        sessions = Sessions(
            pairs=pairs,
            protocols=kept.write_pairs(directory, pairs, pictures, file_of_pairs),
            file=file,
            raters=raters,
            key=kept.key(directory),
            order=order_of(directory) if adaptive else as_planned,
        )
        for who in raters:
            link = f"{address(host, listening)}/{sessions.tokens(who).rater}/"
            typer.echo(f"{who}: {link} ({progress(sessions, who)})")
        typer.echo(f"votes go to {file.path}; Ctrl+C ends")
        serve(sessions, pictures, listening, host=host, names=name or ())
        for who in raters:
            typer.echo(f"{who}: {progress(sessions, who)}")


def of_runs(directory: Path) -> "Pictures":
    """The pictures of all finished runs that have some; the others are told."""
    from scaling.cli import say
    from scaling.preference.pictures import load
    from sweeps.pictures import archives
    from sweeps.store import Store

    paths, without = archives(Store.open(directory))
    if without:
        say(f"finished runs without pictures, left out: {', '.join(without)}")
    return load(paths)


def of_settings(directory: Path, asked: str) -> "tuple[str, Pictures]":
    """The pictures of a run, by its id or rung, under each setting; and how its pairs are filed."""
    from scaling.preference.settings import load
    from sweeps.pictures import settings_archive
    from sweeps.store import Store

    run, path = settings_archive(Store.open(directory), asked)
    return f"settings-{run}", load(run, path)


def order_of(directory: Path) -> "Order":
    """By what the votes so far say of the law in parameters; InputError for a single size."""
    from analysis import read
    from scaling.cli.adaptive_order import adaptive
    from scaling.errors import InputError

    runs = read(directory).frame.drop_duplicates("run")
    sizes = {
        str(run): float(size) for run, size in zip(runs["run"], runs["parameters"], strict=True)
    }
    if len(set(sizes.values())) < 2:
        raise InputError(f"--adaptive: {directory} has a single size, and no law in it")
    return adaptive(sizes)


def progress(sessions: "Sessions", name: str) -> str:
    """`3 of 40 done`."""
    state = sessions.state(name)
    return f"{state['done']} of {state['done'] + state['left']} done"


def named(raters: list[str]) -> list[str]:
    """Names of raters, once each; InputError for one that would spoil a table."""
    from scaling.errors import InputError

    names = list(dict.fromkeys(name.strip() for name in raters))
    for name in names:
        if not name or len(name) > 64 or not name.isprintable():
            raise InputError(f"--rater {name!r}: a name has 1 to 64 printable letters")
    return names
