"""What muP asks of the sizes that a sweep compares: heads of one width (arXiv 2505.15270)."""

from collections.abc import Iterable

from models.ladder import head_widths
from scaling.config import RunConfig
from scaling.config.transfer import MuP


def uneven_heads(configs: Iterable[RunConfig]) -> list[str]:
    """A notice for each family whose rungs under muP differ in their heads' width."""
    by_family: dict[str, dict[str, float]] = {}
    for config in configs:
        if isinstance(config.train.transfer, MuP):
            by_family.setdefault(config.model.family, {}).update(head_widths([config.model.size]))
    return [
        "train.transfer.rule mup holds where all sizes have heads of one width; these have "
        + ", ".join(f"{width:g} channels ({rung})" for rung, width in widths.items())
        + ": give a ladder that keeps it, e.g. {rule: {sizes: [1, 2, 4], depth: 3, "
        "width: 24 * n, heads: n}}"
        for widths in by_family.values()
        if len(set(widths.values())) > 1
    ]
