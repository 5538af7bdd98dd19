"""The command `sample`: image grids along the ladder."""

from pathlib import Path
from typing import Annotated, Any

import typer


def sample(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="a sweep's directory")],
    *,
    caption: Annotated[
        list[str] | None,
        typer.Option("--caption", "-c", help="a prompt; may be given several times"),
    ] = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="prompts of the data's own choice")
    ] = None,
    sampler: Annotated[
        str | None,
        typer.Option(help="ddim, ancestral, euler, heun, dpmpp_2m or dpmpp_2m_sde"),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="noise levels visited")] = None,
    guidance_scale: Annotated[float | None, typer.Option(min=0.0, help="1: no guidance")] = None,
    guide_with: Annotated[
        str | None,
        typer.Option(metavar="RUNG", help="autoguidance: away from this rung's network"),
    ] = None,
    guide_at: Annotated[
        int | None,
        typer.Option(min=1, metavar="STEP", help="of --guide-with: as it was at this snapshot"),
    ] = None,
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

    asked = {
        "count": count,
        "sampler": sampler,
        "steps": steps,
        "guidance_scale": guidance_scale,
        "seed": seed,
    }
    changes = {name: value for name, value in asked.items() if value is not None}
    store = Store.open(directory)
    drawn = []
    for rung in draw(store, changes, caption or (), weights, guide_with, guide_at):
        how = "{sampler}, {network_evaluations} network evaluations each".format(**rung.about)
        typer.echo(f"{rung.rung}: {len(rung.images)} images, {how}")
        drawn.append(rung)
    guided = {"guide_with": guide_with, "guide_at": guide_at}
    named = {**changes, **{name: value for name, value in guided.items() if value is not None}}
    shown = (f"{k}{v:g}" if isinstance(v, float) else f"{k}{v}" for k, v in named.items())
    path = output or directory / "samples" / f"{'-'.join(shown) or 'default'}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = drawn[0].images.dtype == np.uint8
    if pictures:
        rows = [(r.rung, r.parameters, r.images, r.captions) for r in drawn]
        save(grid(rows), path.with_suffix(""))
    about: dict[str, Any] = {name: [r.about[name] for r in drawn] for name in drawn[0].about}
    np.savez_compressed(
        path.with_suffix(".npz"),
        **{"images" if pictures else "latents": np.stack([rung.images for rung in drawn])},
        rungs=[rung.rung for rung in drawn],
        captions=drawn[0].captions,
        **about,
    )
    if pictures:
        typer.echo(f"{path} (and .pdf, .svg, .npz)")
    else:
        typer.echo(f"{path.with_suffix('.npz')}: latents, scale undone, for their VAE to decode")
