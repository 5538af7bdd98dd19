"""Laws for two sweeps: shifted along x, perhaps steeper, perhaps with a floor each."""

from collections.abc import Callable
from typing import Any

import numpy as np

from analysis.laws.law import Law, Shape, Term, Values, constant, exponent

ABSENT = -60.0
"""A logarithm of nothing."""


def _log(p: Values, v: Values) -> Any:
    z = np.log(v["u"])
    return -(p["alpha"] + p["d"] * z) * np.log(v["x"]) - p["mu"] * z


def _only(side: int) -> Callable[[Values, Values], Any]:
    """A function that is one for the sweep on that side of u = 1, and nothing for the other."""
    return lambda p, v: np.where(side * np.log(v["u"]) > 0, 0.0, ABSENT)


EXCESS = Term(
    coefficient="A",
    log=_log,
    parameters=("alpha", "mu", "d"),
    degree=(("x", "alpha", -1), ("u", "mu", -1)),
)
SHAPES = (
    exponent("alpha", 8, (0.05, 2.0)),
    Shape(name="mu", bounds=(-20.0, 20.0), tried=(-1.0, 1.0), starts=3),
    Shape(name="d", bounds=(-5.0, 5.0), tried=(-0.2, 0.2), starts=3),
)

PAIR = Law(
    name="pair",
    title="floor law of two sweeps",
    variables=("x", "u"),
    terms=(constant("E"), EXCESS),
    shapes=SHAPES,
    formula="y = E + A u^-mu x^-(alpha + d log u), u telling two sweeps apart",
    latex=r"E + A\,u^{-\mu}\,x^{-(\alpha + d\ln u)}",
    source="Henighan et al. 2020, arXiv 2010.14701, eq. 1.1, of each sweep, with one floor",
    columns={"x": "x", "u": "u"},
)
"""x and u must have a geometric mean of one: then parameters are alike in all units."""

PAIR_OF_FLOORS = Law(
    name="pair_of_floors",
    title="floor laws of two sweeps",
    variables=("x", "u"),
    terms=(
        Term(coefficient="E", log=_only(-1)),
        Term(coefficient="F", log=_only(1)),
        EXCESS,
    ),
    shapes=SHAPES,
    formula="y = (E where u < 1, F where u > 1) + A u^-mu x^-(alpha + d log u)",
    latex=r"E_u + A\,u^{-\mu}\,x^{-(\alpha + d\ln u)}",
    source="Henighan et al. 2020, arXiv 2010.14701, eq. 1.1, of each sweep",
    columns={"x": "x", "u": "u"},
)
"""The same with a floor for each sweep; x and u as above."""
