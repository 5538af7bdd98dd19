"""Every fit of a series as sheets of text: parameters, how they were found, tests of residuals."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from analysis.along import IN_SEVERAL, SIZE
from analysis.fitted import Fit
from analysis.formats import Sheet
from analysis.rounding import rounded
from analysis.study import Series
from analysis.trust.residuals import ResidualTests

NOT_IDENTIFIED = "not identified"


class FitOf(NamedTuple):
    """A law fitted to what `scope` says, or why it was not."""

    law: str
    scope: str
    fit: Fit | None
    unsupported: str | None
    tests: ResidualTests | None


def every_fit(series: Series) -> Iterator[FitOf]:
    """Those to all rungs, to the steps of one, and to all but the held-out ones."""
    for item in series.fits:
        scope = _scope(item.along, item.rung)
        yield FitOf(item.law, scope, item.fit, item.unsupported, item.residual_tests)
    for held in series.hold_outs:
        yield FitOf(held.law, "all but held out", held.fit, held.unsupported, held.residual_tests)


def fits_sheet(series: Series) -> Sheet:
    """Every fit with its parameters; what the data cannot pin is said and not printed."""
    fits = list(every_fit(series))
    every = [[*item.fit.parameters, *item.fit.derived] for item in fits if item.fit]
    names = sorted({name for names in every for name in names}, key=_place)
    rows = []
    for law, scope, fit, unsupported, _ in fits:
        if fit is None:
            rows.append((law, scope, *[""] * (len(names) + 1), unsupported or ""))
            continue
        cells = [parameter(fit, name) for name in names]
        rms = f"{100 * fit.residual_rms:.2g}%"
        notes = [f"{key}: {reason}" for key, reason in fit.not_identified.items()]
        rows.append((law, scope, *cells, rms, "; ".join([*notes, *fit.notes])))
    headings = ("law", "fitted to", *names, "residual", "note")
    return Sheet(title="Fits", headings=headings, rows=tuple(rows))


def diagnostics_sheet(series: Series) -> Sheet:
    """How well every fit was solved: the objective, its slope and curvature, bounds reached."""
    rows = [
        (
            item.law,
            item.scope,
            str(fit.points),
            str(fit.runs),
            fit.residuals,
            f"{fit.huber_delta:.3g}",
            f"{fit.objective:.4g}",
            f"{fit.gradient_norm:.1e}",
            f"{fit.condition:.2g}",
            str(fit.starts),
            f"{fit.share_at_best:.0%}",
            ", ".join(fit.bounds_hit) or "none",
        )
        for item in every_fit(series)
        if (fit := item.fit)
    ]
    headings = ("law", "fitted to", "points", "runs", "residuals of", "Huber delta", "objective",
                "gradient norm", "condition", "starts", "starts at best",
                "bounds reached")  # fmt: skip
    return Sheet(title="How the fits were solved", headings=headings, rows=tuple(rows))


def residuals_sheet(series: Series) -> Sheet:
    """A row for each fit: F of lack of fit and runs of sign with their p values."""
    rows = [
        (
            item.law,
            item.scope,
            _number(lack.statistic, ".3g"),
            "{:.3g}, {:.3g}".format(*lack.freedom),
            _number(lack.p, ".2g"),
            str(runs.runs or ""),
            f"{runs.above} above, {runs.below} below" if runs.runs else "",
            _number(runs.p, ".2g"),
            item.tests.verdict,
        )
        for item in every_fit(series)
        if item.tests and (lack := item.tests.lack_of_fit) and (runs := item.tests.runs)
    ]
    headings = ("law", "fitted to", "F", "freedom", "p, lack of fit", "runs of sign",
                "means of residuals", "p, runs", "verdict")  # fmt: skip
    return Sheet(title="Tests of residuals", headings=headings, rows=tuple(rows))


def p_values(tests: ResidualTests | None) -> str:
    """Both in short, those that could be had."""
    if tests is None:
        return ""
    told = {"misfit": tests.lack_of_fit.p, "pattern": tests.runs.p}
    return "\n".join(f"{name} {p:.2g}" for name, p in told.items() if math.isfinite(p))


FIRST = ("E", "C", "A", "alpha", "B", "beta")


def _place(name: str) -> tuple[int, str]:
    """Limits first, then coefficients with their exponents, then whatever else a law has."""
    return (FIRST.index(name) if name in FIRST else len(FIRST), name)


def parameter(fit: Fit, name: str) -> str:
    """'0.354 [0.331, 0.378]', 'not identified', 'known', or nothing for a law without it."""
    values = fit.parameters | fit.derived
    if name not in values:
        return ""
    if name in fit.not_identified:
        return NOT_IDENTIFIED
    if name in fit.known:
        return f"{values[name]:.4g} (known)"
    if name not in fit.intervals:
        return f"{values[name]:.4g}"
    value, low, high = rounded(values[name], *fit.intervals[name])
    return f"{value} [{low}, {high}]"


SCOPES = {SIZE: "last horizon", IN_SEVERAL: "all horizons"}


def _scope(along: str, rung: str | None) -> str:
    return f"steps of {rung}" if rung else SCOPES.get(along, f"along {along}")


def _number(value: float, form: str) -> str:
    return format(value, form) if math.isfinite(value) else ""
