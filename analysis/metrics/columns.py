"""Which other columns of a foreign table are measurements, and not settings, counts or names."""

import re

import numpy as np
import pandas as pd

from analysis.selection import Selection
from analysis.table import Table
from analysis.table.model import STANDARD
from analysis.table.roles import ALIASES, plain

SETTINGS = re.compile(
    r"(^|_)(lr|learning_rate|decay|dropout|beta\d?|eps|epsilon|temperature|scale|epochs?|time|timestamp|"
    r"seconds|runtime|hours|g?p?t?flops?)($|_)"
)
"""Words in the names of columns of fractions that are no measurement of a model."""
DISTINCT = 0.5
"""Of the rows at least this share differ in a measurement; settings take few values."""


def measured_columns(table: Table, selection: Selection) -> list[str]:
    """Numeric columns with fractions, most of them distinct, that seeds or training change.

    Not the fitted value's, nor those that play a role or are named like a setting.
    """
    points = selection.points
    taken = {*STANDARD, *ALIASES, *table.mapping, *table.mapping.values(), "size", "value"}
    return [
        str(name)
        for name in table.frame.select_dtypes("number").columns
        if name in points
        and name not in taken
        and not any(plain(str(name)) in names for names in ALIASES.values())
        and not SETTINGS.search(plain(str(name)))
        and _measures(points, points[name])
    ]


def _measures(points: pd.DataFrame, column: pd.Series) -> bool:
    values = column[np.isfinite(column)]
    if values.empty or (values == values.round()).all():
        return False
    if values.nunique() < max(3, DISTINCT * len(values)):
        return False
    cells = values.groupby([points["size"][values.index], points["steps"][values.index]])
    repeated = cells.transform("size") > 1
    return not repeated.any() or bool((cells.transform("nunique")[repeated] > 1).any())
