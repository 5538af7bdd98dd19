"""The command `distance`: two sets of images or features, whatever made them."""

from pathlib import Path
from typing import Annotated

import typer


def distance(
    real: Annotated[Path, typer.Argument(help="a folder of images, an .npz or an .npy")],
    generated: Annotated[Path, typer.Argument(help="the same of what is to be judged")],
    *,
    network: Annotated[
        str,
        typer.Option(
            help="what turns images into features: efficientnet_lite0; inception_v3, dinov2_b14, "
            "clip_l14 and others of published weights, as NAME=FILE; FILE.onnx; FILE.py:FUNCTION; "
            "each file may be followed by @ and its SHA-256, or the first digits of it"
        ),
    ] = "efficientnet_lite0",
    metrics: Annotated[
        str, typer.Option(help="names joined by commas; `all` is each that there is")
    ] = "all",
    by_class: Annotated[
        bool,
        typer.Option(
            "--by-class",
            help="also the average over classes: subfolders, or an array `labels` in the .npz",
        ),
    ] = False,
    top: Annotated[
        int,
        typer.Option(
            min=1, help="how many of a sample's likeliest classes fd_class_matched matches"
        ),
    ] = 1,
    figure: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="draw the Frechet distance against 1/n, to its limit (.pdf, .svg or .png)",
        ),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="keep features and labels here, as real.npz and generated.npz, to use again",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Measure how far generated images lie from real ones, by metrics that say what they suppose.

    Arrays are images, uint8 [n, h, w, 3], or features, floats [n, d], beside them in an .npz
    `labels` [n] and, of features, a classifier's `logits` [n, classes].
    """
    import json
    from dataclasses import asdict
    from functools import cache, partial

    from scaling.cli.distance_figure import draw, drawable
    from scaling.cli.distance_progress import watched
    from scaling.cli.distance_table import table
    from scaling.measure.comparison import compare
    from scaling.measure.features import sets
    from scaling.measure.features.named import named

    wanted = chosen(metrics)
    if figure is not None:
        drawable(figure)
    use = cache(partial(named, network))  # read once for both
    found = (
        sets.load(real, use, partial(watched, "real")),
        sets.load(generated, use, partial(watched, "generated")),
    )
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        for side, features in zip(("real", "generated"), found, strict=True):
            sets.save(features, save / f"{side}.npz")
    comparison = compare(*found, wanted, classes=by_class, top=top)
    if figure is not None:
        draw(*found, figure)
    if as_json:
        typer.echo(json.dumps(asdict(comparison), indent=1))
        return
    typer.echo(table(comparison))
    if save is not None:
        typer.echo(f"features: {save / 'real.npz'}, {save / 'generated.npz'}")
    if figure is not None:
        typer.echo(f"figure: {figure}")


def chosen(metrics: str) -> tuple[str, ...]:
    """The names that are asked for; InputError for one that there is not."""
    from scaling.errors import InputError
    from scaling.measure.distances.metrics import METRICS
    from sweeps.problems import nearest

    if metrics == "all":
        return METRICS
    names = tuple(name.strip() for name in metrics.split(","))
    for name in names:
        if name not in METRICS:
            near = nearest(name, METRICS) or f"; there are: {', '.join(METRICS)}"
            raise InputError(f"no metric '{name}'{near}")
    return names
