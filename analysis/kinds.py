"""One metric, weights, split and protocol of a foreign table whose columns tell several apart."""

from dataclasses import replace

from analysis.settings import FitSettings
from analysis.table import Table, TableError, nearest
from analysis.table.roles import KINDS

DEFAULTS = {
    "metric": FitSettings.metric,
    "weights": FitSettings.weights,
    "split": FitSettings.split,
    "protocol": None,
}
"""What settings say where nobody chose."""

EMPTY = "(empty)"


def of_one_kind(table: Table, settings: FitSettings) -> Table:
    """The rows that may be fitted together; any table but a foreign one as it is.

    TableError where rows of several kinds are left and none of them was chosen.
    """
    if not table.foreign:
        return table
    frame = table.frame
    for kind in [kind for kind in KINDS if kind in table.mapping]:
        told = frame[kind].astype(object).where(frame[kind].notna(), EMPTY).astype(str)
        asked = getattr(settings, kind, None)
        frame = frame[told == _chosen(table, kind, sorted(told.unique()), asked)]
    return replace(table, frame=frame.reset_index(drop=True))


def kinds_of(table: Table) -> dict[str, str]:
    """What a table of one kind says of its rows."""
    names = [kind for kind in KINDS if kind in table.mapping and table.foreign]
    return {kind: str(table.frame[kind].iloc[0]) for kind in names}


def _chosen(table: Table, kind: str, present: list[str], asked: str | None) -> str:
    if asked in present:
        return asked
    column = table.mapping[kind]
    if asked != DEFAULTS[kind]:
        raise TableError(
            f"{table.source}: no rows with {kind} '{asked}' in column '{column}'"
            f"{nearest(str(asked), present)}"
        )
    if len(present) > 1:
        told = ", ".join(present)
        choose = "keep those of one in the table"
        if kind != "protocol":
            choose = f"choose one with --{kind}"
        raise TableError(
            f"{table.source}: column '{column}' holds rows of several kinds ({told}), which cannot "
            f"be fitted together; {choose}"
        )
    return present[0]
