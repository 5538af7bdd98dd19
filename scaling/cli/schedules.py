"""`scaling schedules`: where a manifest's losses draw noise levels, and what they amount to."""

from pathlib import Path
from typing import Annotated

import typer

from scaling.cli.manifests import ManifestName


def schedules(
    manifest: ManifestName,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="also write the tables and draw the curves here"),
    ] = None,
) -> None:
    """Tabulate noise densities, the weightings they imply and whether those are monotone."""
    from scaling.cli.aligned import aligned
    from scaling.cli.schedule_sheets import levels, summary, weights
    from scaling.schedules import profiles
    from sweeps.manifest import load

    found = load(manifest)
    swept = tuple(path for path in found.swept if path.startswith("diffusion."))
    named = [(label(run.swept(swept)) or found.name, run.config) for run in found.runs]
    curves = profiles(named)
    table = summary(curves)
    typer.echo(aligned([table.headings, *table.rows]))
    typer.echo(
        "shares of samples in bands of log-SNR; effective: share of samples that would carry as "
        "much if all weighed alike\n"
    )
    typer.echo(aligned(weights(curves)))
    if output is not None:
        from analysis.figures.schedules import Curves, draw_schedules
        from analysis.figures.style import save
        from analysis.formats import write_sheet

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
        for sheet, name in ((table, "schedules"), (levels(curves), "schedule_levels")):
            write_sheet(sheet, output / name)
            typer.echo(f"{output / name}.{{tex,csv,md}}")


def label(swept: dict[str, object]) -> str:
    """`density laplace (location 0, scale 0.5)`: what distinguishes a run's diffusion section."""
    from sweeps.labels import in_words

    return ", ".join(
        f"{path.rpartition('.')[2]} {in_words(value)}" for path, value in swept.items()
    )
