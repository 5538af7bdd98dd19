"""Commands that run, or look at what runs: run, status, worker."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from scaling.cli import INTERRUPTED, SOME_FAILED, say
from scaling.cli.manifests import ManifestName, Workers

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="a sweep's directory")]


SAVE_AND_END = ("SIGTERM", "SIGUSR1")
"""A worker saves and ends with status 75; SIGUSR1 is how batch systems announce a time limit."""


def run(
    manifest: ManifestName,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="default: runs/<manifest's name>"),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(help="local, slurm, ray, command or your own; default: the manifest's"),
    ] = None,
    workers: Workers = None,
    dry_run: Annotated[bool, typer.Option(help="show the plan and what would be started")] = False,
    only_prepare: Annotated[
        bool, typer.Option("--prepare", help="make the directory, for workers started by hand")
    ] = False,
    retry_failed: Annotated[bool, typer.Option(help="try failed runs again")] = False,
) -> None:
    """Train and measure whatever is missing, then fit and report."""
    from sweeps.launch import default_directory, engine_for, worker_count
    from sweeps.launch import run as run_sweep
    from sweeps.manifest import load
    from sweeps.supervise import WorkersFailed

    found = load(manifest)
    directory = output or default_directory(found)
    count = worker_count(found, workers, engine)
    if dry_run:
        from sweeps.plan import plan, text

        typer.echo(text(plan(found, workers=count)))
        typer.echo(f"\nresults would go to {directory}; commands:")
        typer.echo(engine_for(found, directory, count, engine).render())
        return
    if only_prepare:
        from sweeps.store.prepare import prepare

        _, notices = prepare(found, directory, workers=count, retry_failed=retry_failed)
        for notice in notices:
            typer.echo(notice, err=True)
        typer.echo(f"{directory}: {len(found.runs)} runs; start `scaling worker {directory}`")
        return
    try:
        summary = run_sweep(
            found, directory, engine=engine, workers=count, retry_failed=retry_failed
        )
    except KeyboardInterrupt as stop:
        typer.echo(f"\n{stop or 'stopped'}; the same command goes on from here", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except WorkersFailed as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(SOME_FAILED) from None
    for notice in summary.notices:
        typer.echo(notice, err=True)
    ended = summary.snapshot
    typer.echo(
        f"{directory}: {ended.count('finished')} of {len(ended.runs)} runs finished"
        + "".join(f", {n} {s}" for s in ("diverged", "failed") if (n := ended.count(s)))
        + ("" if summary.trained else "; nothing to train")
    )
    if ended.count("finished"):
        _report(directory)
    if ended.count("failed"):
        typer.echo(f"see `scaling status {directory}`; --retry-failed tries them again", err=True)
        raise typer.Exit(SOME_FAILED)


def _report(directory: Path) -> None:
    """Fit and report, unless the tables and the settings of the fit are those of the last one."""
    from analysis.directory import fingerprint
    from scaling.cli.analysis import report
    from scaling.cli.fit_settings import settings
    from sweeps.store.writing import read_json, to_json, write

    inputs = fingerprint(directory, settings(directory))
    last = read_json(directory / "reported.json") or {}
    if last.get("inputs") == inputs and (directory / "report.html").exists():
        typer.echo(f"{last['said']} is up to date")
        return
    write(directory / "reported.json", to_json({"inputs": inputs, "said": report([directory])}))


def status(
    directory: Directory,
    every: Annotated[bool, typer.Option("--all", help="show every run")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Show what is done, running, failed and why."""
    from sweeps.status import status as look
    from sweeps.status import text
    from sweeps.store import Store

    found = look(Store.open(directory))
    if as_json:
        import json

        typer.echo(json.dumps(found, indent=2))
    else:
        typer.echo(text(found, every=every))


def worker(
    directory: Directory,
    cores: Annotated[str | None, typer.Option(help="core numbers to stay on, such as 0,1")] = None,
    name: Annotated[str | None, typer.Option(help="by which its engine knows it")] = None,
    end_with_parent: Annotated[
        bool, typer.Option(help="end at once when standard input closes")
    ] = False,
) -> None:
    """Claim and train cohorts until none remain; this is what an engine starts.

    SIGTERM and SIGUSR1 make it save and end with status 75: more is to be done.
    """
    import os
    import signal
    import threading

    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in cores.split(",")})  # before jax looks
    if end_with_parent:
        threading.Thread(target=_end_with_parent, daemon=True, name="parent").start()
    from scaling import group

    group.join(group.group_of(os.environ))  # before the signals, which it would take for itself

    from sweeps.following import Agreed, work_together
    from sweeps.store import Store
    from sweeps.store.processes import WORKER_VARIABLE
    from sweeps.worker import trainer

    stopping = Agreed()
    for each in SAVE_AND_END:
        if hasattr(signal, each):
            signal.signal(getattr(signal, each), lambda *_: stopping.set())
    if name:
        os.environ[WORKER_VARIABLE] = name
    store = Store.open(directory)
    raise typer.Exit(work_together(store, trainer(store), stopping, say))


def _end_with_parent() -> NoReturn:
    """Wait for the parent's end of the pipe to close; training resumes from disk, so just go."""
    import os

    while os.read(0, 1):  # not sys.stdin: a thread blocked in its buffer aborts a normal exit
        pass
    os._exit(1)
