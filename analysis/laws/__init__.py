"""The laws that can be fitted, by name; a user's own come from a file."""

from analysis.laws.joint import JOINT, KAPLAN, REPEATED
from analysis.laws.law import Law, Shape, Term, Values, constant, evaluate, power
from analysis.laws.limits import (
    CEILING,
    METRIC_TO_METRIC,
    PREFERENCE,
    PREFERENCE_JOINT,
    PREFERENCE_LOGIT,
)
from analysis.laws.size import FLOOR, POWER, SATURATED, SHIFTED, broken
from analysis.laws.user import find

LAWS = {
    law.name: law
    for law in (
        POWER,
        FLOOR,
        SHIFTED,
        SATURATED,
        broken(1),
        broken(2),
        JOINT,
        KAPLAN,
        REPEATED,
        CEILING,
        PREFERENCE,
        PREFERENCE_LOGIT,
        PREFERENCE_JOINT,
        METRIC_TO_METRIC,
    )
}

__all__ = [
    "LAWS",
    "Law",
    "Shape",
    "Term",
    "Values",
    "broken",
    "constant",
    "evaluate",
    "find",
    "power",
]
