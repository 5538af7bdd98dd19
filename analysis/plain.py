"""Results as JSON's own types."""

import math
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

NOT_IN_JSON = {"json": False}
"""Metadata of a dataclass's field that is left out."""


def plain(value: Any) -> Any:
    """Of dataclasses, arrays and numbers, nested; what is not finite becomes null."""
    if is_dataclass(value) and not isinstance(value, type):
        names = [item.name for item in fields(value) if item.metadata.get("json", True)]
        out = {name: plain(getattr(value, name)) for name in names}
        extra = ("error_percent", "error_in_seed_deviations", "inside", "headline_law")
        return out | {name: plain(getattr(value, name)) for name in extra if hasattr(value, name)}
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
