"""How a series was fitted, in words."""

from analysis.settings import FitSettings
from analysis.study import Series

OBJECTIVES = {"huber": "Least Huber loss ({delta})", "squares": "Least squares"}
PARAMETERS = {
    "profile": "by profile likelihood",
    "delta": "by linearising about the fit, all rows taken to be independent",
}
"""Where intervals of parameters come from, where that is not the bootstrap."""


def method(series: Series, settings: FitSettings) -> str:
    """What was minimised, of which residuals, and where the intervals come from."""
    fits = [item.fit for item in (*series.hold_outs, *series.fits) if item.fit is not None]
    kinds = list(dict.fromkeys(fit.residuals for fit in fits)) or [settings.residuals or "log"]
    delta = "delta 1.345 robust standard deviations of a fit's own residuals"
    if settings.huber_delta:
        delta = f"delta {settings.huber_delta:g}"
    parts = [
        f"{OBJECTIVES[settings.loss].format(delta=delta)} on {' or '.join(kinds)} residuals, "
        "from many starts"
    ]
    if settings.asymmetry != 1:
        parts.append(f"values above the law count {settings.asymmetry:g} times")
    if any(fit.weighting == "standard_error" for fit in fits):
        parts.append("values count by their precision")
    if settings.known:
        told = [f"{name} = {_with_error(*pair)}" for name, pair in settings.known_values.items()]
        parts.append(f"not fitted but known: {', '.join(told)}")
    if settings.floor == "control":
        parts.append("E is what real images in the samples' place reach")
    if settings.inference == "best":
        parts.append("samples are of each run's best inference setting, chosen by other samples")
    replicates = f"by a bootstrap over runs ({settings.bootstrap} replicates)"
    drawn = replicates if settings.bootstrap else "not drawn, for no bootstrap was asked for"
    if settings.intervals in PARAMETERS:
        parts.append(f"intervals of parameters {PARAMETERS[settings.intervals]}")
        parts.append(f"those of predictions {drawn}")
    else:
        parts.append(f"intervals {drawn}")
    return f"{'; '.join(parts)}."


def _with_error(value: float, error: float) -> str:
    return f"{value:g} ± {error:g}" if error else f"{value:g}"
