"""`scaling schedules`: where a manifest's losses draw noise levels, and what they amount to."""

from itertools import pairwise
from pathlib import Path
from typing import Annotated

import typer

from scaling.cli.manifests import ManifestName

LEARNED = "learned: divided by exp(u) in training; once u has settled, density over error"


def schedules(
    manifest: ManifestName,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="also draw the curves in this directory"),
    ] = None,
) -> None:
    """Tabulate noise densities, the weightings they imply and whether those are monotone."""
    from scaling.schedules import BANDS, profiles
    from sweeps.manifest import load

    found = load(manifest)
    swept = tuple(path for path in found.swept if path.startswith("diffusion."))
    named = [(label(run.swept(swept)) or found.name, run.config) for run in found.runs]
    curves = profiles(named)
    width = max(len("schedule"), *(len(curve.label) for curve in curves))
    bands = [f"{a:g}..{b:g}" for a, b in pairwise(BANDS)]
    head = "".join(f"{band:>10}" for band in bands)
    typer.echo(f"{'schedule':<{width}}{head}{'effective':>11}  implied weighting")
    for curve in curves:
        shares = "".join(f"{share:>10.1%}" for share in curve.shares)
        bound = "monotone: a likelihood bound" if curve.monotone else "not monotone"
        said = LEARNED if curve.learned else bound
        effective = "-" if curve.learned else f"{curve.effective:.0%}"
        typer.echo(f"{curve.label:<{width}}{shares}{effective:>11}  {said}")
    typer.echo(
        "shares of samples in bands of log-SNR; effective: share of samples that would carry as "
        "much if all weighed alike"
    )
    if output is not None:
        from analysis.figures.schedules import Curves, draw_schedules
        from analysis.figures.style import save

        output.mkdir(parents=True, exist_ok=True)
        drawn = [
            Curves(
                c.label + ", before exp(u)" * c.learned,
                c.log_snr,
                c.density,
                c.factor,
                c.weighting,
                c.monotone,
            )
            for c in curves
        ]
        save(draw_schedules(drawn), output / "schedules")
        typer.echo(f"{output / 'schedules'}.{{pdf,svg,png}}")


def label(swept: dict[str, object]) -> str:
    """`density laplace (location 0, scale 0.5)`: what distinguishes a run's diffusion section."""
    from sweeps.labels import in_words

    return ", ".join(
        f"{path.rpartition('.')[2]} {in_words(value)}" for path, value in swept.items()
    )
