"""What foreign columns are to us: which plays which role, by its name or because we are told."""

import difflib
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.table.model import TableError, nearest
from analysis.table.numbers import numbers

NUMBERS = {
    "parameters": ("parameters", "n", "n_params", "num_params", "params", "size", "model_size"),
    "value": (
        *("value", "val_loss", "validation_loss", "eval_loss", "test_loss"),
        *("loss", "l", "y", "train_loss"),
    ),
    "steps": ("steps", "step", "s", "n_steps", "global_step", "iterations", "iters"),
    "data": (
        *("data", "d", "tokens", "n_tokens", "training_tokens"),
        *("images", "samples_seen", "images_seen"),
    ),
    "unique_data": ("unique_data", "u", "unique_tokens", "unique_images", "unique_samples"),
    "flops": ("flops", "c", "flop", "compute", "training_flops", "training_flop", "total_flops"),
    "standard_error": ("standard_error", "stderr", "sem"),
    "learning_rate": ("learning_rate", "lr"),
}
"""How foreign tables call our columns of numbers: plain names, the first found is taken."""

LABELS = {
    "seed": ("seed", "random_seed"),
    "run": ("run", "run_id", "run_name", "name", "id"),
    "rung": ("rung",),
    "status": ("status", "state"),
    "metric": ("metric",),
    "weights": ("weights",),
    "split": ("split",),
    "protocol": ("protocol",),
}
KINDS = ("metric", "weights", "split", "protocol")
"""Labels by which rows differ that may not be fitted together; recognised by the whole name."""

ALIASES = {**NUMBERS, **LABELS}

FINISHED = {"finished", "completed", "complete", "done", "success", "succeeded", "ok"}
UNFINISHED = {
    *("diverged", "crashed", "failed", "killed", "running", "pending", "preempted", "preempting"),
}
"""What a column says that holds the state of runs."""

ONLY_ASKED = ("learning_rate",)
"""A rate may follow from size and data; only who asks says that it was swept."""


def plain(name: str) -> str:
    """Lower case with underscores, as aliases are written; W&B's leading one is dropped."""
    return re.sub(r"\W+", "_", name.lower()).strip("_")


def recognise(frame: pd.DataFrame) -> dict[str, str]:
    """The column of each role that is there."""
    found: dict[str, str] = {}
    for role in ALIASES:
        for column in _called(list(frame.columns), role):
            if column not in found.values() and _fits(frame[column], role):
                found[role] = column
                break
    return found


def _called(present: Sequence[str], role: str) -> list[str]:
    """Columns whose names say a role: by the whole name, then by its last part."""
    whole, last = defaultdict(list), defaultdict(list)
    for name in present:
        whole[plain(name)].append(name)
        last[plain(re.split(r"[./]", name)[-1])].append(name)
    aliases = ALIASES[role]
    long = [alias for alias in aliases if len(alias) > 1 and role not in KINDS]
    columns = [name for alias in aliases for name in whole[alias]]
    return columns + [name for alias in long for name in last[alias] if name not in columns]


def _fits(column: pd.Series, role: str) -> bool:
    """Whether a column can play a role that nobody asked it to play."""
    if role in ONLY_ASKED:
        return False
    if role in ("metric", "weights"):
        return not pd.api.types.is_numeric_dtype(column)
    if role == "status":
        return set(column.dropna().astype(str).str.lower()) <= FINISHED | UNFINISHED
    return role in LABELS or bool(np.isfinite(numbers(column).values).any())


def asked_roles(asked: Mapping[str, str]) -> dict[str, str]:
    """The mapping that was asked for, by role; 'N', 'D', 'U' and 'C' are sizes, data and compute.

    Any other name on the left becomes a column of its own, unless it looks like a misspelt role.
    """
    found: dict[str, str] = {}
    for ours, theirs in asked.items():
        role = next((r for r, aliases in ALIASES.items() if plain(ours) in (r, *aliases)), ours)
        close = difflib.get_close_matches(ours.lower(), ALIASES, n=1, cutoff=0.7)
        if role not in ALIASES and (close or not ours.isidentifier()):
            raise TableError(
                f"unknown column '{ours}' in the mapping{nearest(ours, ALIASES)}; a variable of "
                "your own needs a name unlike these"
            )
        if role in found:
            raise TableError(f"the mapping names '{role}' twice: {found[role]} and {theirs}")
        found[role] = theirs
    return found


def choose(frame: pd.DataFrame, asked: Mapping[str, str], source: str, hint: str) -> dict[str, str]:
    """What plays each role: what was asked for, else what is recognised.

    Data stand in for steps where there are none. TableError without a size or a value; `hint`
    says what else to try.
    """
    present = list(frame.columns)
    taken = set(asked.values())
    found = recognise(frame[[name for name in present if name not in taken]])
    mapping = {role: asked.get(role, found.get(role, "")) for role in [*ALIASES, *asked]}
    if not mapping["steps"]:
        mapping["steps"] = mapping["data"]
    for role in ("parameters", "value"):
        if not mapping[role]:
            told = [f"'{name}' holds no number" for name in _called(present, role)]
            raise TableError(
                f"{source}: no column is recognised as '{role}'{nearest(role, present)}; "
                f"{''.join(f'{text}; ' for text in told)}name it with --columns '{role}=...'{hint}"
            )
    for role in LABELS.keys() & asked.keys():
        if asked[role] not in present:
            raise TableError(f"{source}: no column '{asked[role]}'{nearest(asked[role], present)}")
    return {role: text for role, text in mapping.items() if text}
