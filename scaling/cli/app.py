"""Every command of `scaling`, by name."""

import typer

from scaling.cli import (
    analysis,
    annotate,
    data,
    distance,
    ladder,
    manifests,
    preference,
    running,
    sample,
    schedules,
    track,
    votes,
)

app = typer.Typer(
    name="scaling",
    help="Measure whether a diffusion model obeys a scaling law, and what the law predicts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (
    running.run,
    manifests.validate,
    manifests.schema,
    manifests.plan,
    running.status,
    running.worker,
    track.track,
    analysis.fit,
    analysis.laws,
    analysis.plot,
    analysis.table,
    analysis.report,
    ladder.ladder,
    schedules.schedules,
    sample.sample,
    annotate.annotate,
    preference.preference,
    distance.distance,
):
    app.command()(command)

app.add_typer(data.app)
app.add_typer(votes.app)
