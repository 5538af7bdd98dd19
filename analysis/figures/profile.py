"""Profile likelihoods: how much worse the fit is with each parameter held elsewhere."""

import textwrap
from collections.abc import Mapping

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from analysis.estimation.problem import Array
from analysis.figures.style import FITTED, HELD_OUT, INK, log_size, panels, short, styled
from analysis.fit_sheets import NOT_IDENTIFIED
from analysis.fitted import Fit
from analysis.uncertainty.profile import Profile

SHOWN = 2.5
"""Up to how many times the threshold a profile is drawn."""
POINTS = 400
WIDE = 20.0
"""From what ratio of its interval's ends on a parameter has a logarithmic axis."""
MARGIN = 0.04
LINE, TEXT_WITHIN = 22, (0.27, 0.73)
"""Letters a line of what is said in a panel, and where its middle may be."""
GREEK = {"alpha": r"$\alpha$", "beta": r"$\beta$", "gamma": r"$\gamma$"}


def profile_likelihoods(profiles: Mapping[str, Profile], fit: Fit | None = None) -> Figure | None:
    """A panel per parameter with its threshold and interval; None without any.

    Beside them what the tables say of the same `fit`: its intervals where they are of another
    kind, and why a parameter is not identified.
    """
    if not profiles:
        return None
    other = fit.intervals if fit and fit.intervals_by != "profile" else {}
    reasons = fit.not_identified if fit else {}
    with styled():
        open_ended = {name for name, item in profiles.items() if not item.identified}
        unsure = open_ended | set(reasons)
        titles = [
            GREEK.get(name, name) + (f": {NOT_IDENTIFIED}" if name in unsure else "")
            for name in profiles
        ]
        figure, grid = panels(titles)
        for axes, (name, item) in zip(grid, profiles.items(), strict=True):
            _profile(axes, item, other.get(name))
            if name in unsure:
                axes.title.set_color(HELD_OUT)
                _say(axes, item, _why(item, reasons.get(name, "")))
        for axes in grid[::3]:
            axes.set_ylabel("rise of the objective / variance")
        first = next(iter(profiles.values()))
        handles = _handles(first, fit if other else None, open_ended=bool(open_ended))
        columns = len(handles) if len(titles) > 1 else 2
        figure.legend(handles=handles, loc="outside upper left", ncols=columns)
    return figure


def _profile(axes: Axes, item: Profile, other: tuple[float, float] | None) -> None:
    """The curve, its threshold, the interval that it crosses that at, and one of another kind."""
    low, high = item.interval
    ends = np.array([low, high, *(other or ())])
    wide = bool(ends.min() > 0 and ends.max() / ends.min() > WIDE)
    x, rise = _curve(item, logarithmic=wide)
    axes.plot(x, rise, color=FITTED)
    axes.axhline(item.threshold, color=INK, lw=0.7, ls="--")
    axes.axvspan(low, high, color=FITTED, alpha=0.12, lw=0)
    for end, found in zip(item.interval, item.found, strict=True):
        if not found:
            height = np.interp(end, x, rise)
            axes.plot(end, height, "X", color=HELD_OUT, ms=6, clip_on=False, zorder=4)
    axes.plot(item.best, 0, "o", color=FITTED, ms=3.5, clip_on=False, zorder=5)
    if other:
        height = 0.2 * item.threshold
        axes.plot(other, [height, height], "|-", color=INK, lw=1, ms=5, mew=1)
    axes.set_ylim(0, SHOWN * item.threshold)
    shown = np.append(x[rise <= SHOWN * item.threshold], ends)
    if wide:
        log_size(axes, np.array([shown.min(), shown.max()]))
        ratio = (shown.max() / shown.min()) ** MARGIN
        axes.set_xlim(shown.min() / ratio, shown.max() * ratio)
        return
    margin = MARGIN * np.ptp(shown)
    axes.set_xlim(shown.min() - margin, shown.max() + margin)
    axes.xaxis.set_major_locator(MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: short(x)))


def _curve(item: Profile, *, logarithmic: bool) -> tuple[Array, Array]:
    """The profile through the values tried; between them its signed root is smooth and monotone.

    Its ends are where it leaves the figure, or twice the interval's width from its middle.
    """
    from scipy.interpolate import PchipInterpolator  # only here, for most commands draw no profile

    to, back = (np.log, np.exp) if logarithmic else (np.asarray, np.asarray)
    known = np.isfinite(item.rise) & ((item.values > 0) | (not logarithmic))
    places, first = np.unique(to(item.values[known]), return_index=True)
    rises, best = np.maximum(item.rise[known][first], 0), float(to(item.best))
    beyond, (low, high) = rises > SHOWN * item.threshold, to(item.interval)
    least = max([low - 1.5 * (high - low), places[0], *places[beyond & (places < best)]])
    most = min([high + 1.5 * (high - low), places[-1], *places[beyond & (places > best)]])
    inside = places[(places >= least) & (places <= most)]
    x = np.union1d(np.linspace(least, most, POINTS), inside)
    roots = PchipInterpolator(places, np.sign(places - best) * np.sqrt(rises))(x)
    return back(x), roots**2


def _why(item: Profile, reason: str) -> str:
    """What a reader should know of a parameter that is not identified."""
    low, high = item.interval
    least = "zero" if low == 0 else f"{low:.3g}, the least that is searched"
    most = f"{high:.3g}, the most that is searched"
    sides = [
        text
        for text, found in ((f"down to {least}", item.found[0]), (f"up to {most}", item.found[1]))
        if not found
    ]
    if sides:
        return f"the curve stays below the threshold {' and '.join(sides)}"
    return f"the profile has both ends; the tables say: {reason}"


def _say(axes: Axes, item: Profile, text: str) -> None:
    """At the top above the interval, where the curve is not."""
    ends = axes.transLimits.transform(axes.transScale.transform([(x, 1) for x in item.interval]))
    middle = float(np.clip(ends[:, 0].mean(), *TEXT_WITHIN))
    axes.annotate(
        textwrap.fill(text, LINE),
        (middle, 0.98),
        xycoords="axes fraction",
        ha="center",
        va="top",
        size=6,
        color=INK,
        zorder=5,
    )


def _handles(item: Profile, fit: Fit | None, *, open_ended: bool) -> list[Artist]:
    """What the legend explains; `fit` where its intervals are of another kind."""
    level = f"{item.confidence:.0%}"
    handles: list[Artist] = [
        Line2D([], [], color=FITTED, marker="o", ms=3.5, label="profile and the fit"),
        Line2D([], [], color=INK, lw=0.7, ls="--", label=f"{level} threshold"),
        Patch(color=FITTED, alpha=0.12, lw=0, label=f"its {level} interval"),
    ]
    if open_ended:
        cross = {"color": HELD_OUT, "marker": "X", "ls": "", "ms": 5}
        handles.append(Line2D([], [], **cross, label="no end found"))
    if fit:
        bar = {"color": INK, "lw": 1, "marker": "|", "ms": 5, "mew": 1}
        label = f"{fit.intervals_by} interval (tables)"
        handles.append(Line2D([], [], **bar, label=label))
    return handles
