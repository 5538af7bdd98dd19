"""Which laws suit a metric where nobody chose any."""

from collections.abc import Mapping, Sequence

from analysis.settings import FitSettings

RATES = "win_rate_"
"""How metrics begin that are rates of preference: from 0, where no image is preferred, to 1."""

SUITED: Mapping[str, tuple[str, ...]] = {
    RATES: ("preference", "preference_logit", "preference_joint")
}
"""Laws by how a metric's name begins; for all others those of `FitSettings`."""

IN_STEPS = ("joint", "preference_joint")
"""Laws that nobody asks for where a metric is measured at one horizon alone."""


def is_rate(metric: str) -> bool:
    """Whether 0 is a value like any other."""
    return metric.startswith(RATES)


def joint_law(metric: str) -> str:
    """The law in size and steps that suits a metric."""
    return IN_STEPS[is_rate(metric)]


def laws_for(metric: str, asked: Sequence[str]) -> tuple[str, ...]:
    """Those asked for; where these are what is fitted by default, those that suit the metric."""
    if tuple(asked) != tuple(FitSettings.laws):
        return tuple(asked)
    return suited(metric, asked)


def suited(metric: str, asked: Sequence[str]) -> tuple[str, ...]:
    """Those asked for that suit the metric, or all that do; anything suits one without a table."""
    found = next((laws for begin, laws in SUITED.items() if metric.startswith(begin)), None)
    if found is None:
        return tuple(asked)
    return tuple(law for law in asked if law in found) or found
