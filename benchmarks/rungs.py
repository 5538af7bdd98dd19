"""A run at another rung of its ladder."""

from typing import Any

from scaling.config import RunConfig
from scaling.config.model import SIZES


def at_rung(config: RunConfig, rung: str) -> dict[str, Any]:
    """The run's section by section, with the rung's own depth, width and heads."""
    given = config.model_dump(mode="json", exclude={"model": set(SIZES)})
    return {**given, "model": {**given["model"], "rung": rung}}
