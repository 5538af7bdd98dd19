"""The command `sample`: image grids along the ladder."""

from pathlib import Path
from typing import Annotated

import typer


def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="a sweep's directory")],
    *,
    caption: Annotated[
        list[str] | None,
        typer.Option("--caption", "-c", help="a prompt; may be given several times"),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, max=256, help="prompts of the data's own choice")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="network evaluations")] = None,
    guidance_scale: Annotated[float | None, typer.Option(min=0.0, help="1: no guidance")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="of the noise")] = None,
    weights: Annotated[str | None, typer.Option(help="raw, or an average such as ema_0.1")] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="a .png; default: DIR/samples/<settings>.png"),
    ] = None,
) -> None:
    """Draw samples of one finished run per rung, for the same captions and the same noise."""
    import numpy as np

    from analysis.figures.samples import grid
    from analysis.figures.style import save
    from sweeps.sampling import draw
    from sweeps.store import Store

    asked = {"count": count, "steps": steps, "guidance_scale": guidance_scale, "seed": seed}
    changes = {name: value for name, value in asked.items() if value is not None}
    store = Store.open(directory)
    drawn = []
    for rung in draw(store, changes, caption or (), weights):
        typer.echo(f"{rung.rung}: {len(rung.images)} images")
        drawn.append(rung)
    name = "-".join(f"{key}{value:g}" for key, value in changes.items()) or "default"
    path = output or directory / "samples" / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    save(grid([(r.rung, r.parameters, r.images, r.captions) for r in drawn]), path.with_suffix(""))
    np.savez_compressed(
        path.with_suffix(".npz"),
        images=np.stack([rung.images for rung in drawn]),
        rungs=[rung.rung for rung in drawn],
        captions=drawn[0].captions,
    )
    typer.echo(f"{path} (and .pdf, .svg, .npz)")
