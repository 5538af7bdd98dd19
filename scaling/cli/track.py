"""The command that mirrors a sweep in a tracker of experiments."""

from pathlib import Path
from typing import Annotated

import typer

from scaling.cli import INTERRUPTED
from scaling.cli.running import Directory


def track(
    directory: Directory,
    to: Annotated[str, typer.Option(help="tensorboard, wandb, mlflow or trackio")],
    into: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="folder of the mirror; default: DIR/tracked/<tracker>"),
    ] = None,
    project: Annotated[
        str | None, typer.Option(help="the tracker's project; default: the sweep's name")
    ] = None,
    follow: Annotated[bool, typer.Option(help="go on until the sweep is settled")] = False,
    every: Annotated[
        float, typer.Option(min=1.0, metavar="SECONDS", help="between two looks, with --follow")
    ] = 30.0,
    levels: Annotated[bool, typer.Option(help="each noise level's loss, too")] = False,
    online: Annotated[bool, typer.Option(help="wandb: upload at once")] = False,
) -> None:
    """Mirror every run's measurements, settings and status in a tracker; again: what is new."""
    from sweeps.store import Store
    from sweeps.tracking import follow as keep_on
    from sweeps.tracking import make, mirror
    from sweeps.tracking.interface import Where
    from sweeps.tracking.mirror import Mirrored

    store = Store.open(directory)
    where = into or directory / "tracked" / to
    name = project or store.sweep["name"]
    tracker = make(to, Where(into=where, project=name, online=online))

    def tell(now: Mirrored) -> None:
        if now.values or not follow or now.settled:
            typer.echo(f"{directory}: {now.values} new values, {now.runs} runs; {tracker.look}")

    try:
        if follow:
            keep_on(store, tracker, where, levels=levels, every=every, tell=tell)
        else:
            tell(mirror(store, tracker, where, levels=levels))
    except KeyboardInterrupt:
        typer.echo("\nstopped; the same command goes on from here", err=True)
        raise typer.Exit(INTERRUPTED) from None
