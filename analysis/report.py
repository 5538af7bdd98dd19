"""One self-contained HTML page: the answer, the figures, the tables, what was left out."""

import base64
import io
import math
import re
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from analysis.every_table import SHEETS, SHEETS_IN_DEPTH, SHEETS_OF_ALL
from analysis.explorer import as_json, explore
from analysis.figures import Drawing, draw
from analysis.figures.style import styled
from analysis.files import write
from analysis.fit_sheets import NOT_IDENTIFIED
from analysis.formats import Sheet
from analysis.gaps import DATA_LIMITED_SHARE
from analysis.headline import below_floor, headline
from analysis.inference_sheets import inference_sentences
from analysis.laws import find
from analysis.method import method
from analysis.preference import of_study
from analysis.proxies import proxies_sentences
from analysis.sample_sheets import sentences
from analysis.settings import FitSettings
from analysis.study import Series, Study
from analysis.transfer import rates_sentences, tuning_sentence
from analysis.trust.held import beyond_sentences
from analysis.trust.residuals import ResidualTests
from analysis.words import metric_label

CAPTIONS = {
    "size": "Loss at the last horizon against size. The law is fitted to the filled points; the "
    "open ones were kept from it. Below: residuals beside the noise between seeds.",
    "steps": "Loss against training steps, a colour per rung. Lines are one joint law in size and "
    "steps, dashed where the rung was kept from the fit; without it, a law in steps for each.",
    "predicted": "What the law in several variables says of every point, and what was measured; "
    "dark colours are small rungs, hollow points were kept from the fit. Below: residuals.",
    "noise_levels": "Held-out loss at each noise level at the last horizon; bands are two standard "
    "errors.",
    "excess": "The same less the closed-form floor, below which no model can stay.",
    "gap": "Held-out minus training loss. Two sets of examples differ in difficulty even for a "
    "model that memorises nothing, so it is the growth along the ladder that matters.",
    "ema": "The loss at the last horizon against the relative width of the weights' average, in "
    "per cent above each rung's best.",
    "learning_rates": "Loss at the last horizon against the learning rate, a colour per rung. "
    "Diamonds are the optima, of a parabola through the best rate and its neighbours; bars are two "
    "standard errors over seeds.",
    "coordinates": "How far training has moved the activations of each layer, over width; in the "
    "legend the slopes on logarithmic axes. Zero means that width changes nothing.",
    "sample_metrics": "Distances of samples from real images at the last horizon, with intervals. "
    "Dashed: training images in the samples' place, which is what a perfect model could reach.",
    "limit_lines": "The Frechet distance of the samples and of their halves, thirds and quarters, "
    "means over seeds, and the line to infinitely many samples, with its interval. Squares: "
    "training images in the samples' place.",
    "proxies": "How often a judge, a program in place of people, prefers the generated image of a "
    "pair to the real one of the same caption. Dashed: real images in the generated ones' place; "
    "dotted: one half, which rates tend to as images get better.",
    "inference": "The metric that settings were chosen by, at every setting of the largest rung; "
    "means over its runs. Framed: what most of them chose.",
    "correlations": "Spearman's rank correlation of every two metrics: above the diagonal across "
    "runs, below it within rungs, where size says nothing. Faded where the interval holds zero, "
    "which by chance alone one pair in twenty escapes.",
    "sensitivity": "The answer again with every other choice; orange where it leaves the "
    "interval of the one reported.",
    "profile": "How much worse the headline's fit gets with one parameter held elsewhere and the "
    "others fitted again, in units of the residuals' variance. Where a curve stays below the "
    "threshold, the data exclude no value. With less than ten rungs these intervals come out too "
    "narrow; the bootstrap's do not.",
    "collapse": "Training curves, each from its first to its last loss and over its own training: "
    "rungs that are tuned alike fall onto one another.",
    "frontier": "Loss and best size against training compute: every run's curve, their lower "
    "envelope, and the joint law's best, with its band over replicates.",
    "isoflop": "Loss against size at each budget, with the minima of parabolas; open: left out. "
    "Right: the best size by them, and by the joint law.",
    "lifetime": "The cheapest model as good as the largest rung when its samples are paid for too, "
    "by the joint law: a smaller one trained for longer, the more is sampled. It asks the law for "
    "more steps than were run.",
    "weighting": "Which noise levels predict the metric: the weighting found, with its band over "
    "rungs, beside published ones. Right: their errors on rungs left out.",
    "samples": "Samples of every rung for the same captions and the same starting noise, smallest "
    "rung on top.",
}
"""Figure by figure, what a reader sees."""

STYLES = ("report.css", "explorer.css")
SCRIPTS = ("axes.js", "chosen.js", "plot.js", "controls.js", "explorer.js", "sort.js")
"""Written into the page, in this order, as one module."""


def write_report(
    study: Study,
    path: Path,
    title: str = "Scaling report",
    drawings: Sequence[Drawing] | None = None,
) -> Path:
    """Render the study to one HTML file, atomically; `drawings` saves drawing them again."""
    write(path, render(study, title, draw(study) if drawings is None else drawings))
    return path


def render(study: Study, title: str, drawings: Sequence[Drawing]) -> str:
    """The page as text; it loads nothing from anywhere."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("analysis", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    return environment.get_template("report.html.j2").render(
        title=title,
        style=_inlined(STYLES),
        script=_inlined(SCRIPTS),
        study=study,
        settings=study.settings,
        captions=CAPTIONS,
        not_identified=NOT_IDENTIFIED,
        sheets={name: build(study).filled() for name, build in SHEETS_OF_ALL.items()},
        figures={item.name: _inline(item) for item in drawings if item.series is None},
        rates=rates_sentences(study),
        people=of_study.sentences(study),
        preferred_settings=of_study.settings_sentences(study),
        series=[
            _view(series, [item for item in drawings if item.series == index], study.settings)
            for index, series in enumerate(study.series)
        ],
    )


def _inlined(names: Sequence[str]) -> Markup:
    """Files of `templates` as they are."""
    return Markup(
        "\n".join((files("analysis") / "templates" / name).read_text("utf-8") for name in names)
    )


def _view(series: Series, drawings: Sequence[Drawing], settings: FitSettings) -> dict[str, Any]:
    """What the template shows of one series."""
    verdict, sentence = headline(series)
    figures = {item.name: _inline(item) for item in drawings}
    beaten, levels = below_floor(series)
    return {
        "label": series.label,
        "verdict": verdict,
        "sentence": sentence,
        "tuning": tuning_sentence(series),
        "untuned": any(item.tuned in ("untuned", "edge") for item in series.rungs),
        "metric": metric_label(series.selection.metric),
        "size": metric_label(series.selection.size),
        "selection": series.selection,
        "explorer": as_json(explore(series, settings)),
        "figures": figures,
        "sheets": {
            name: build(series).filled() for name, build in {**SHEETS, **SHEETS_IN_DEPTH}.items()
        },
        "exclusions": _exclusions(series),
        "scale": series.scale.sentences() if series.scale else (),
        "trust": [
            _capital(item.sentence())
            for item in (_tests(series), series.law_choice, series.sensitivity, series.collapse)
            if item is not None
        ],
        "refused": series.refused,
        "beyond": beyond_sentences(series.beyond),
        "sample_metrics": list(sentences(series)),
        "proxies": list(proxies_sentences(series)),
        "inference": list(inference_sentences(series)),
        "searches": [
            sentence
            for item in series.weightings
            for sentence in (item.sentence(), item.order_sentence())
            if sentence
        ],
        "method": method(series, settings),
        "share": DATA_LIMITED_SHARE,
        "laws": [find(name) for name in dict.fromkeys(item.law for item in series.fits)],
        "limited": [item.rung for item in series.rungs if item.gap and item.gap.data_limited],
        "below_floor": beaten,
        "floor_levels": levels,
        "seed_percent": 100 * series.seed_deviation
        if math.isfinite(series.seed_deviation)
        else None,
        "unidentified": [
            f"{name} of the {find(held.law).title} ({reason})"
            for held in series.hold_outs
            if held.fit
            for name, reason in held.fit.not_identified.items()
        ],
        "protocol": series.table.protocols.get(series.selection.protocol or "", {}),
    }


def _tests(series: Series) -> ResidualTests | None:
    """Of the fit that the headline speaks of."""
    law = series.headline_law
    held = series.hold_out(law) if law else None
    found = held or next((item for item in series.fits if item.law == law and not item.rung), None)
    return found.residual_tests if found else None


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _exclusions(series: Series) -> Sheet:
    rows = tuple((item.run, item.rung, item.reason) for item in series.selection.excluded)
    return Sheet(title="Left out of the fits", headings=("run", "rung", "reason"), rows=rows)


def _inline(drawing: Drawing) -> Markup:
    """An SVG element that scales with the page; samples, being pixels, as a PNG in the page."""
    buffer, name = io.BytesIO(), f"{drawing.name}{drawing.series}"
    size = f"--inches: {drawing.figure.get_figwidth():.3g}"
    with styled():
        if drawing.name == "samples":
            drawing.figure.savefig(buffer, format="png", dpi=200, metadata={"Software": None})
            data = base64.b64encode(buffer.getvalue()).decode()
            image = Markup('<img alt="samples" style="{}" src="data:image/png;base64,{}">')
            return image.format(size, data)
        drawing.figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue().decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    # Ids are unique within a figure only; a page holds many.
    text = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", text)
    label = metric_label(drawing.name)
    return Markup(text.replace("<svg ", f'<svg role="img" aria-label="{label}" style="{size}" ', 1))
