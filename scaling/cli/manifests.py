"""Commands about what would run: validate, schema, plan, ladder."""

from typing import Annotated

import typer

ManifestName = Annotated[
    str, typer.Argument(metavar="MANIFEST", help="a YAML file, or the name of a shipped manifest")
]
Workers = Annotated[int | None, typer.Option(min=1, help="worker processes; default: one per core")]


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
) -> None:
    """Show runs, parameters, FLOPs, memory and time before anything is spent."""
    from sweeps.launch import worker_count
    from sweeps.manifest import load
    from sweeps.plan import plan as make_plan
    from sweeps.plan import text

    found = load(manifest)
    typer.echo(text(make_plan(found, workers=worker_count(found, workers), rate=rate)))


def ladder(
    family: Annotated[str, typer.Argument(help="a model family, such as dit")],
    size: Annotated[int, typer.Option(min=1, help="pixels a side")] = 16,
    patch_size: Annotated[int, typer.Option(min=1, help="pixels a side of one token")] = 4,
    channels: Annotated[int, typer.Option(min=1)] = 3,
    vocabulary: Annotated[int, typer.Option(min=0, help="words of the captions")] = 0,
) -> None:
    """Print the sizes of a family with their parameters and FLOPs."""
    from models.counting import COUNTS
    from models.ladder import LADDERS
    from models.ladder import ladder as rungs_of
    from scaling.errors import InputError
    from sweeps.problems import nearest

    if family not in LADDERS:
        near = nearest(family, LADDERS) or f"; there are: {', '.join(LADDERS)}"
        raise InputError(f"no ladder '{family}'{near}")
    if size % patch_size:
        raise InputError(f"patches of {patch_size} pixels do not tile an image of {size}")
    shape = {"size": size, "channels": channels, "patch_size": patch_size, "vocabulary": vocabulary}
    typer.echo(f"{family}, {size}x{size}x{channels} images, patches of {patch_size}")
    names = ("rung", "depth", "width", "heads", "parameters", "without emb.", "FLOPs/image")
    typer.echo("{:<6}{:>6}{:>7}{:>7}{:>13}{:>14}{:>14}".format(*names))
    for rung in rungs_of(family):
        counts = COUNTS[family](rung, **shape)
        typer.echo(
            f"{rung.name:<6}{rung.depth:>6}{rung.width:>7}{rung.heads:>7}{counts.parameters:>13,}"
            f"{counts.parameters_non_embedding:>14,}{counts.training_flops:>14.3e}"
        )
    typer.echo("FLOPs are those of one training image, forward and backward")
