"""What a cohort measures at a horizon, and where that is written."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, NamedTuple

from scaling import attempt
from scaling.attempt import PAIRS, SETTINGS
from scaling.cohort import Cohort
from scaling.measure.coordinates import CoordinateMeter
from scaling.measure.draws import Draws
from scaling.measure.inference import InferenceMeter
from scaling.measure.likelihood import LikelihoodMeter
from scaling.measure.meter import Meter
from scaling.measure.preference import Found, PreferenceMeter
from scaling.measure.rows import Measurement
from scaling.measure.sample_metrics import SampleMeter
from scaling.measure.setting_pictures import SettingPictures
from scaling.train.program import NEVER


class Meters(NamedTuple):
    """Everything that measures a cohort, and what keeps its pictures for people to look at."""

    losses: Meter
    likelihood: LikelihoodMeter
    coordinates: CoordinateMeter
    samples: SampleMeter
    inference: InferenceMeter
    preference: PreferenceMeter
    pictures: SettingPictures

    def protocols(self) -> dict[str, dict[str, Any]]:
        """Every protocol in use, by its hash."""
        *measuring, _ = self
        return {key: p for meter in measuring for key, p in meter.protocols().items()}


def meters_of(cohort: Cohort) -> Meters:
    """All of them, compiled when they are needed."""
    measured = cohort.config, cohort.source
    samples = SampleMeter(*measured, cohort.mesh)
    preference = PreferenceMeter(*measured, cohort.mesh)
    draws = Draws(*measured, cohort.mesh)
    return Meters(
        Meter(*measured),
        LikelihoodMeter(*measured),
        CoordinateMeter(*measured),
        samples,
        InferenceMeter(cohort.config, samples, draws, preference),
        preference,
        SettingPictures(*measured, draws),
    )


type Tell = Callable[[str], None]
"""Tells which phase a cohort is in; raises Preempted where it shall end."""


def measure(cohort: Cohort, meters: Meters, last: bool, tell: Tell) -> None:
    """Losses and what else is known of the weights themselves."""
    meter, likelihood, coordinates, *_ = meters
    rows: list[list[Measurement]] = [[] for _ in cohort.members]
    for name, parameters in chain(cohort.weights().items(), cohort.reconstructed() if last else ()):
        tell("measure")
        new_rows = [meter.rows(name, parameters, cohort.step, last=last)]
        if last:
            tell("measure")
            new_rows.append(likelihood.rows(name, parameters, cohort.step))
        for all_rows, *new in zip(rows, *new_rows, strict=True):
            all_rows.extend(chain.from_iterable(new))
    if coordinates.images:
        tell("measure")
        first = cohort.first_parameters()
        new = coordinates.rows(cohort.state.parameters, first, cohort.step)
        for all_rows, more in zip(rows, new, strict=True):
            all_rows.extend(more)
    for run, member in enumerate(cohort.members):
        if cohort.diverged_at[run] != NEVER:
            continue
        training = Measurement(
            horizon=cohort.step,
            weights="raw",
            split="train",
            metric="training_loss",
            log_snr=None,
            value=float(cohort.mean_loss()[run]),
            standard_error=None,
            count=int(cohort.state.loss_count[run]) * cohort.config.train.batch_size,
            protocol=meter.training_protocol,
        )
        floor = meter.floor_rows(cohort.step) if last else ()
        best = likelihood.oracle_rows(cohort.step) if last else ()
        attempt.append_rows(member, [*rows[run], training, *floor, *best])
    cohort.forget_loss()


def measure_samples(cohort: Cohort, meters: Meters, last: bool, tell: Tell) -> None:
    """What is known of the images that are drawn, and those that are kept."""

    def told(blocks: Iterable[Any]) -> Iterator[Any]:
        for block in blocks:
            tell("sample")
            yield block

    def averaged(width: float | None) -> Any:
        tell("sample")
        return cohort.averaged(width)

    meter, inference, preference = meters.samples, meters.inference, meters.preference
    parameters, keeper = cohort.weights()[meter.weights], preference.keeper()
    rows: list[list[Measurement]] = [[] for _ in cohort.members]
    if meter.due(cohort.step):
        watched = keeper if preference.due(last=last) else iter
        rows = meter.rows(parameters, cohort.step, lambda blocks: told(watched(blocks)))
    control = list(meter.control_rows(cohort.step)) if last and meter.due(cohort.step) else []
    pairs: Sequence[Found | None] = [None for _ in rows]
    if preference.due(last=last):
        tell("sample")
        pairs = preference.found(parameters, keeper, cohort.step)
        control += preference.control_rows(cohort.step) if last else ()
    tried: list[list[Measurement]] = [[] for _ in rows]
    if inference.due(last=last):
        fixed = [[*of_run, *(p.rows if p else ())] for of_run, p in zip(rows, pairs, strict=True)]
        tried = inference.rows(averaged, fixed, cohort.step)
    kept: Sequence[dict[str, Any] | None] = [None for _ in rows]
    if meters.pictures.due(last=last):
        kept = meters.pictures.archives(averaged, told)
    for run, (member, compared) in enumerate(zip(cohort.members, pairs, strict=True)):
        if cohort.diverged_at[run] != NEVER:
            continue
        judged = compared.rows if compared else []
        attempt.append_rows(member, [*rows[run], *tried[run], *judged, *control])
        if last and compared and compared.archive is not None:
            attempt.save_samples(member, cohort.step, prefix=PAIRS, **compared.archive)
        if (archive := kept[run]) is not None:
            attempt.save_samples(member, cohort.step, prefix=SETTINGS, **archive)
