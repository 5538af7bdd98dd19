"""A ladder of the manifest's own: its rungs by name, and the size of each."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from models.families import FAMILIES, count
from models.ladder import Rung
from models.sizes import evaluate, solve
from scaling.config import RunConfig, Section
from sweeps.fields import value_at

SUFFIXES = ((1e9, "B"), (1e6, "M"), (1e3, "k"))


class SizeConfig(Section):
    """One rung of a table."""

    depth: int = Field(ge=1)
    width: int = Field(ge=4)
    heads: int = Field(ge=1)


class RuleConfig(Section):
    """Depth, width and heads as formulas in a size number n, such as "32 * n"."""

    sizes: list[float] = Field(min_length=1, description="values of n, a rung for each")
    depth: str | int
    width: str | int
    heads: str | int

    @model_validator(mode="after")
    def _can_be_computed(self) -> "RuleConfig":
        for n in self.sizes:
            self.at(n)
        return self

    def at(self, n: float) -> dict[str, int]:
        """The size at n; ValueError where a formula gives no whole number."""
        return {key: evaluate(str(getattr(self, key)), n) for key in SizeConfig.model_fields}


class LadderConfig(Section):
    """Sizes of one's own, by exactly one of a table, a rule, or targets that are solved for.

    Without `model.rung` anywhere else in the manifest, the sweep takes all of them.
    """

    table: dict[str, SizeConfig] = Field(default={}, description="sizes by name")
    rule: RuleConfig | None = None
    parameters: list[float] = Field(default=[], description="targets, e.g. [1.0e5, 1.0e6]")
    training_flops: list[float] = Field(default=[], description="targets, of one image")
    head_width: int | None = Field(
        default=None, ge=1, description="of solved sizes; none: the family's own"
    )
    aspect: tuple[float, float] | None = Field(
        default=None, strict=False, description="bounds of width / depth; none: the family's own"
    )

    @field_validator("parameters", "training_flops")
    @classmethod
    def _positive(cls, targets: list[float]) -> list[float]:
        if any(not target > 0 for target in targets):
            raise ValueError("targets must be positive")
        return targets

    @model_validator(mode="after")
    def _exactly_one(self) -> "LadderConfig":
        kinds = ("table", "rule", "parameters", "training_flops")
        given = [kind for kind in kinds if getattr(self, kind)]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"needs exactly one of {', '.join(kinds)}; there is {found}")
        return self

    @property
    def rungs(self) -> dict[str, Any]:
        """What each rung's name stands for: a size, or a target."""
        if self.rule:
            return {f"n={n:g}": self.rule.at(n) for n in self.rule.sizes}
        if self.table:
            return {name: size.model_dump() for name, size in self.table.items()}
        unit = "N" if self.parameters else "C"
        return {f"{unit}={_short(t)}": t for t in self.parameters or self.training_flops}

    def size(self, name: str, mapping: Mapping[str, Any]) -> dict[str, int] | None:
        """Depth, width and heads of a rung in a run's settings; None where these are mistaken."""
        known = self.rungs[name]
        if isinstance(known, dict):
            return known
        from scaling.costs import shape_of  # numpy, which most manifests are read without

        family = FAMILIES.get(value_at(mapping, "model.family", "dit"))
        if family is None:
            return None
        probe = {**mapping, "model": {**mapping["model"], "rung": next(iter(family.rungs))}}
        try:
            config = RunConfig.model_validate(probe)
        except ValidationError:
            return None
        quantity = "parameters" if self.parameters else "training_flops"

        def cost(rung: Rung) -> float:
            return getattr(count(family.name, shape_of(config, rung)), quantity)

        found = solve(
            cost,
            known,
            head_width=self.head_width or family.head_width,
            aspect=self.aspect or family.aspect,
            odd_depth=family.odd_depth,
        )
        return {"depth": found.depth, "width": found.width, "heads": found.heads}


def _short(number: float) -> str:
    """250000 as 250k."""
    for unit, suffix in SUFFIXES:
        if unit <= number < 1000 * unit:
            return f"{number / unit:.4g}{suffix}"
    return f"{number:.4g}"
