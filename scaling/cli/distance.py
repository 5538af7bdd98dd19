"""The command `distance`: two sets of images or features, whatever made them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scaling.measure.comparison import Comparison
    from scaling.measure.distances.estimate import Estimate


def distance(
    real: Annotated[Path, typer.Argument(help="a folder of images, an .npz or an .npy")],
    generated: Annotated[Path, typer.Argument(help="the same of what is to be judged")],
    *,
    network: Annotated[
        str,
        typer.Option(
            help="what turns images into features: efficientnet_lite0; inception_v3, dinov2_b14, "
            "clip_l14 and others of published weights, as NAME=FILE; FILE.onnx; FILE.py:FUNCTION"
        ),
    ] = "efficientnet_lite0",
    metrics: Annotated[
        str, typer.Option(help="names joined by commas; `all` is each that there is")
    ] = "all",
    save: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="keep the features here, as real.npz and generated.npz, to use again",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Measure how far generated images lie from real ones, by metrics that say what they suppose.

    Arrays are images, uint8 [n, h, w, 3], or features, floats [n, d].
    """
    import json
    from dataclasses import asdict
    from functools import cache, partial

    from scaling.measure.comparison import compare
    from scaling.measure.features import sets
    from scaling.measure.features.named import named

    wanted = chosen(metrics)
    use = cache(partial(named, network))  # read once for both
    found = sets.load(real, use), sets.load(generated, use)
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        for side, features in zip(("real", "generated"), found, strict=True):
            sets.save(features, save / f"{side}.npz")
    comparison = compare(*found, wanted)
    typer.echo(json.dumps(asdict(comparison), indent=1) if as_json else table(comparison))
    if save is not None and not as_json:
        typer.echo(f"features: {save / 'real.npz'}, {save / 'generated.npz'}")


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


def table(comparison: "Comparison") -> str:
    """Values with their intervals, the control beside them; then what to be wary of."""
    about = comparison.protocol
    lines = [
        "{real_count} real, {generated_count} generated; features by {network}".format(**about),
        f"{'':<20}{'value':>12}{'95 % interval':>28}    "
        f"between real halves ({comparison.halves} each)",
    ]
    for name, estimate in comparison.values.items():
        beside = comparison.control.get(name)
        lines.append(
            f"{name:<20}{estimate.value:>12.5g}{interval(estimate):>28}"
            + (f"    {beside.value:.5g} {interval(beside)}" if beside else "")
        )
    lines.append(
        f"{comparison.beyond_gaussian:.0%} of the sliced distance, noise included, lies beyond "
        "means and variances, where a Frechet distance is blind"
    )
    return "\n".join([*lines, *(f"note: {text}" for text in comparison.warnings)])


def interval(estimate: "Estimate") -> str:
    """`[low, high]`."""
    return f"[{estimate.low:.5g}, {estimate.high:.5g}]"
