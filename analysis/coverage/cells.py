"""The sweeps that the coverage study draws: laws, noises, rungs and seeds."""

from dataclasses import dataclass

from analysis.laws import LAWS, Law

TRUTHS = {
    "power": {"A": 8.0, "alpha": 0.35},
    "floor": {"E": 0.30, "A": 8.0, "alpha": 0.35},
    "joint": {"E": 0.30, "A": 8.0, "alpha": 0.35, "B": 4.0, "beta": 0.6},
}
SIZES = 1e4, 1e6
"""Parameters of the smallest and the largest fitted rung; the next one is a rung further."""
STEPS = 500, 4000
HORIZONS = 4
"""Of which laws in one variable see only the last."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Of log values. A run's deviation is `seed` (N / largest N)^-`growth`.

    A third of it more is drawn at every horizon anew; `misfit` is a rung's deviation from the law.
    """

    seed: float = 0.005
    growth: float = 0.0
    misfit: float = 0.0


NOISES = {"even": Noise(), "growing": Noise(growth=0.25), "misfit": Noise(misfit=0.005)}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One design under one noise."""

    law: str
    noise: str
    rungs: int
    seeds: int

    @property
    def name(self) -> str:
        """What `--cells` calls it, such as floor/even/6/2."""
        return f"{self.law}/{self.noise}/{self.rungs}/{self.seeds}"

    @property
    def truth(self) -> dict[str, float]:
        """The parameters that its sweeps obey."""
        return TRUTHS[self.law]

    @property
    def form(self) -> Law:
        """The law that is simulated and fitted."""
        return LAWS[self.law]


def cell_named(name: str) -> Cell:
    """The cell of LAW/NOISE/RUNGS/SEEDS; ValueError where one of them is not known."""
    law, noise, rungs, seeds = [*name.split("/"), "", "", "", ""][:4]
    if law not in TRUTHS or noise not in NOISES or not rungs.isdigit() or not seeds.isdigit():
        raise ValueError(
            f"{name!r} is no cell: a cell is LAW/NOISE/RUNGS/SEEDS such as floor/even/6/2, with "
            f"law {', '.join(TRUTHS)} and noise {', '.join(NOISES)}"
        )
    least = LAWS[law].parameters_of(LAWS[law].variables[0]) + 2
    if int(rungs) < least or int(seeds) < 1:
        raise ValueError(f"{name!r}: the {law} law needs {least} rungs or more, and a seed")
    return Cell(law=law, noise=noise, rungs=int(rungs), seeds=int(seeds))
