"""What one line of votes means: in our words, and with ground truth in its place."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from math import isfinite, nan
from typing import Any

from analysis.preference.vote_columns import CHOICES, COLUMNS, NEEDED, SIDES
from analysis.table.model import TableError

type Refuse = Callable[[str], TableError]
"""From what is wrong to the error that also says where."""

OPPOSITE = {"first": "second", "second": "first"}
RATER_KINDS = ("human", "judge")
NO_RUN = ("real", "degraded")
KINDS = {
    ("run", "real"): ("generated_real", False),
    ("real", "run"): ("generated_real", True),
    ("run", "run"): ("models", False),
    ("real", "real"): ("control", False),
    ("real", "degraded"): ("check", False),
    ("degraded", "real"): ("check", True),
}
"""By what the sources are: the kind of pair, and whether ours stand the other way round."""


def vote_row(cells: Mapping[str, Any], refuse: Refuse) -> dict[str, Any]:
    """A row in COLUMNS of the cells under our names. Raises what `refuse` makes of a bad cell."""
    told = {name: text(cells.get(name)) for name in COLUMNS}
    for name in NEEDED:
        if not told[name]:
            raise refuse(f"nothing stands under '{name}'")
    if told["left"] and told["left"] not in OPPOSITE:
        raise refuse(f"left: {told['left']!r} is neither 'first' nor 'second'")
    kind_of_rater = told["rater_kind"] or "human"
    if kind_of_rater not in RATER_KINDS:
        raise refuse(f"rater_kind: {kind_of_rater!r} is neither of {', '.join(RATER_KINDS)}")
    return {
        **told,
        "prompt_id": told["prompt_id"] or told["prompt"],
        **_compared(told, _choice(told, refuse), refuse),
        "rater_kind": kind_of_rater,
        "seconds": _seconds(told["seconds"], refuse),
        "at": _utc(told["at"], refuse),
    }


def text(cell: Any) -> str:
    """A cell as text, nothing as none."""
    return "" if cell is None else str(cell).strip()


def _choice(told: Mapping[str, str], refuse: Refuse) -> str:
    """first, second, tie or skip; a side or the name of a source stands for one of them."""
    word = told["choice"].lower()
    if word in SIDES:
        if not told["left"]:
            raise refuse(f"choice: '{word}' needs a column `left`, which source was there")
        return told["left"] if word == "left" else OPPOSITE[told["left"]]
    named = [name for name in OPPOSITE if told["choice"] == told[name]]
    if len(named) == 1:
        return named[0]
    if word not in CHOICES:
        known = ", ".join([*CHOICES, *SIDES])
        raise refuse(f"choice: {told['choice']!r} is no source of the pair, and none of {known}")
    return CHOICES[word]


def _compared(told: Mapping[str, str], choice: str, refuse: Refuse) -> dict[str, str]:
    """Kind, sources, side and choice, with a run before ground truth, and that before degraded."""
    first, second, left = told["first"], told["second"], told["left"]
    one, other = (source if source in NO_RUN else "run" for source in (first, second))
    kind, turned = KINDS.get((one, other), ("", False))
    itself = kind == "models" and first == second
    if not kind or itself or told["kind"] not in ("", kind):
        asked = f" of kind '{told['kind']}'" if told["kind"] else ""
        raise refuse(f"'{first}' against '{second}' is no pair{asked}")
    if turned:
        first, second = second, first
        left, choice = OPPOSITE.get(left, ""), OPPOSITE.get(choice, choice)
    return {"kind": kind, "first": first, "second": second, "left": left, "choice": choice}


def _seconds(cell: str, refuse: Refuse) -> float:
    if not cell:
        return nan
    try:
        seconds = float(cell)
    except ValueError:
        seconds = nan
    if not isfinite(seconds) or seconds < 0:
        raise refuse(f"seconds: {cell!r} is no time")
    return seconds


def _utc(cell: str, refuse: Refuse) -> str:
    """ISO 8601 in UTC; a time without a zone is taken as such."""
    if not cell:
        return ""
    try:
        moment = datetime.fromisoformat(cell)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise refuse(f"at: {cell!r} is no time in ISO 8601") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
