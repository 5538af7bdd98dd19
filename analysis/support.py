"""Which points are enough for a law."""

from collections.abc import Collection, Mapping

import pandas as pd

from analysis.along import COSTS
from analysis.laws import Law


class Unsupported(ValueError):
    """Too few distinct points for a law; the message counts them."""


def require_support(
    points: pd.DataFrame, law: Law, columns: Mapping[str, str], known: Collection[str] = ()
) -> None:
    """Refuse p >= n - 1: Unsupported when distinct points are too few for what is not `known`."""
    require_metric(law, columns)
    missing = [column for column in columns.values() if column not in points]
    if missing:
        raise Unsupported(
            f"the {law.title} needs the columns {', '.join(columns.values())}; the table has no "
            f"{', '.join(missing)}"
        )
    zeros = int((points["value"] <= 0).sum())
    if zeros and zeros == len(points):
        raise Unsupported(f"all {zeros} values are 0, in which no law is to be seen")
    if zeros and law.residuals == "log":
        raise Unsupported(
            f"the {law.title} is fitted to logarithms, and {zeros} of {len(points)} values are 0; "
            "preference and preference_logit are laws of rates"
        )
    distinct = len(points.drop_duplicates(list(columns.values())))
    free = len(law.free(known))
    needed = free + 2
    if distinct < needed:
        besides = " besides those known" if free < law.free_parameters else ""
        raise Unsupported(
            f"the {law.title} has {free} parameter{'s' * (free != 1)}{besides} and needs {needed} "
            f"distinct points or more; there are {distinct}"
        )
    for variable in law.pinning(known):
        column = columns[variable]
        if points[column].nunique() < 3:
            raise Unsupported(
                f"the {law.title} needs 3 or more distinct values of {variable}; "
                f"there are {points[column].nunique()}"
            )


def require_metric(law: Law, columns: Mapping[str, str]) -> None:
    """Refuse a law of one metric in another along what a run takes."""
    cost = next((column for column in columns.values() if column in COSTS), None)
    if law.in_metric and cost:
        raise Unsupported(
            f"{law.name} ({law.title}) is no law in {cost}: say which metric it is in, with "
            "--along METRIC or, from Python, along=METRIC"
        )
