"""Commands about what would run: validate, schema, plan."""

from typing import Annotated

import typer

ManifestName = Annotated[
    str, typer.Argument(metavar="MANIFEST", help="a YAML file, or the name of a shipped manifest")
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="worker processes; default: one per GPU or core")
]


def validate(manifest: ManifestName) -> None:
    """Check a manifest whole; every mistake is shown with its line and the nearest right key."""
    from sweeps.manifest import load

    found = load(manifest)
    for notice in found.notices:
        typer.echo(notice, err=True)
    rungs = {run.config.model.rung for run in found.runs}
    plural = "s" * (len(found.runs) > 1)
    swept = f", sweeping {', '.join(found.swept)}" if found.swept else ""
    typer.echo(f"{found.file}: valid; {len(found.runs)} run{plural}, rungs: {len(rungs)}{swept}")


def schema() -> None:
    """Print the JSON Schema of manifests, for editors."""
    import json

    from sweeps.schema import schema as json_schema

    typer.echo(json.dumps(json_schema(), indent=2))


def plan(
    manifest: ManifestName,
    workers: Workers = None,
    rate: Annotated[
        float | None, typer.Option(min=1.0, help="FLOP/s of one worker, for the estimated time")
    ] = None,
    devices: Annotated[
        int | None, typer.Option(min=1, help="of each worker; default: one, or engine.fsdp")
    ] = None,
    fsdp: Annotated[
        int | None,
        typer.Option(min=1, help="among which a run's state is split; default: engine.fsdp"),
    ] = None,
    on: Annotated[
        str | None, typer.Option(metavar="KIND", help="what the devices are, such as h100, tpu-v5e")
    ] = None,
    utilisation: Annotated[
        float, typer.Option(min=0.01, max=1.0, help="of what they could do, for the time")
    ] = 0.4,
) -> None:
    """Show runs, parameters, FLOPs, memory and time before anything is spent."""
    from scaling.devices import named
    from sweeps.launch import worker_count
    from sweeps.manifest import load
    from sweeps.plan import place_of, text
    from sweeps.plan import plan as make_plan

    found = load(manifest)
    place = place_of(
        found.engine,
        devices=devices,
        fsdp=fsdp,
        device=None if on is None else named(on),
        utilisation=utilisation,
        rate=rate,
    )
    typer.echo(text(make_plan(found, workers=worker_count(found, workers), place=place)))
