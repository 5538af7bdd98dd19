"""From a run's measurements to the series that a tracker draws over training steps."""

from collections.abc import Iterable, Mapping
from typing import Any


def series(row: Mapping[str, Any], *, levels: bool) -> str | None:
    """The name of the series that a line of measurements.jsonl belongs to: metric/weights/split.

    None for what trackers are spared: settings of inference that are only tried, and unless
    `levels` the losses of single noise levels.
    """
    inference = row.get("inference", "")
    if inference == "candidate" or (row["log_snr"] is not None and not levels):
        return None
    level = () if row["log_snr"] is None else (f"log_snr_{row['log_snr']:g}",)
    return "/".join(
        (row["metric"], row["weights"], row["split"], *level, *filter(None, [inference]))
    )


def new_rows(
    rows: Iterable[Mapping[str, Any]], last: Mapping[str, int], *, levels: bool = False
) -> dict[int, dict[str, float]]:
    """Scalars by step, of steps after the `last` one of their series.

    An attempt that resumes begins with the rows of the earlier ones, and measures the same again
    at steps after its checkpoint; so a series never needs a step that it has passed.
    """
    found: dict[int, dict[str, float]] = {}
    for row in rows:
        name, step = series(row, levels=levels), row["horizon"]
        if name is not None and step > last.get(name, -1):
            found.setdefault(step, {})[name] = row["value"]
    return dict(sorted(found.items()))
