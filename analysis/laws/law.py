"""What a law is: a sum of terms, each a coefficient times a function of variables and parameters.

Coefficients enter linearly, which is what variable projection uses (Golub & Pereyra 1973). The
logarithm of a term's function is given, so that no power overflows and derivatives are simple.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values = Mapping[str, Any]
"""Arrays by name that broadcast against each other; complex ones when derivatives are taken."""

Unit = str | Callable[[Values, Values], Any] | None


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A parameter that enters nonlinearly, within bounds, tried at `starts` values between two.

    Bounds and starts are for variables divided by their geometric means. `unit` names the variable
    in whose unit it is; or is a function of (those means, parameters). A `positive` one is
    searched for by its logarithm.
    """

    name: str
    bounds: tuple[float, float]
    tried: tuple[float, float]
    starts: int
    unit: Unit = None
    positive: bool = False
    below: str | None = None  # a variable of which it stays below the least value


@dataclass(frozen=True, kw_only=True)
class Term:
    """coefficient * exp(log(parameters, variables)); a constant without `log`.

    `parameters` are all that `log` reads, coefficients among them. Under a change of units of a
    variable v the function scales as v^(sign * parameter), for each of `degree` (v, parameter,
    sign). `power` (variable, exponent) marks a plain power, whose derivatives are known.
    """

    coefficient: str
    log: Callable[[Values, Values], Any] | None = None
    parameters: tuple[str, ...] = ()
    degree: tuple[tuple[str, str, int], ...] = ()
    power: tuple[str, str] | None = None
    sign: int = 1


def constant(coefficient: str) -> Term:
    """A floor or ceiling."""
    return Term(coefficient=coefficient)


def power(coefficient: str, variable: str, exponent: str, sign: int = 1) -> Term:
    """coefficient * variable^-exponent."""
    return Term(
        coefficient=coefficient,
        log=lambda p, v: -p[exponent] * np.log(v[variable]),
        parameters=(exponent,),
        degree=((variable, exponent, -1),),
        power=(variable, exponent),
        sign=sign,
    )


def exponent(name: str, starts: int = 6, tried: tuple[float, float] = (0.05, 2.0)) -> Shape:
    """A power of the data's range that is neither a constant nor a step."""
    return Shape(name=name, bounds=EXPONENT_BOUNDS, tried=tried, starts=starts)


EXPONENT_BOUNDS = (1e-3, 5.0)


def unit_of(name: str, variable: str) -> Shape:
    """The geometric mean of a variable, where a formula needs a unit: known, and not fitted."""
    return Shape(
        name=name, bounds=(1.0, 1.0), tried=(1.0, 1.0), starts=1, unit=variable, positive=True
    )


@dataclass(frozen=True, kw_only=True)
class Law:
    """A functional form.

    Coefficients are nonnegative. `columns` says which column each variable is by default; where
    it is empty, the one variable is whatever is asked for. A variable that is `measured_like`
    another keeps that one's unit. `fixed` are parameters that the law
    itself sets; `residuals` are of the value or of its logarithm, and rows count by `weighting`,
    unless other ones are asked for. The variable of a law `in_metric` is another metric, and
    nothing that a run takes. `derived` are functions of the
    parameters that get intervals of their own.
    """

    name: str
    title: str
    variables: tuple[str, ...]
    terms: tuple[Term, ...]
    shapes: tuple[Shape, ...]
    formula: str
    latex: str
    source: str
    columns: Mapping[str, str] | None = None
    measured_like: Mapping[str, str] | None = None
    fixed: Mapping[str, float] | None = None
    residuals: str = "log"
    weighting: str = "equal"
    in_metric: bool = False
    derived: Mapping[str, Callable[[Values], Any]] | None = None

    def __hash__(self) -> int:
        return hash((self.name, id(self.terms)))

    @cached_property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the linear parameters, one a term."""
        return tuple(term.coefficient for term in self.terms)

    @cached_property
    def parameters(self) -> tuple[str, ...]:
        """Coefficients, then shapes: the order of every parameter vector."""
        return self.coefficients + tuple(shape.name for shape in self.shapes)

    def free(self, known: Collection[str] = ()) -> tuple[str, ...]:
        """The parameters that are to be fitted where some are known."""
        pinned = {shape.name for shape in self.shapes if shape.bounds[0] == shape.bounds[1]}
        held = {*pinned, *(self.fixed or ()), *known}
        return tuple(name for name in self.parameters if name not in held)

    @property
    def free_parameters(self) -> int:
        """How many there are to fit where none is known."""
        return len(self.free())

    def pinning(self, known: Collection[str] = ()) -> tuple[str, ...]:
        """The variables that terms rise or fall with, of which several values are needed.

        Those in terms of which nothing is to be fitted are left out.
        """
        free = set(self.free(known))
        read = [
            (v, bool(free & {term.coefficient, *term.parameters}))
            for term in self.terms
            for v, _, _ in term.degree
        ]
        read = read or [(v, bool(free)) for v in self.variables]
        return tuple(dict.fromkeys(v for v, needed in read if needed))

    def parameters_of(self, variable: str, known: Collection[str] = ()) -> int:
        """How many parameters only distinct values of `variable` can pin, floor included."""
        others = [v for v in self.variables if v != variable]
        theirs: set[str] = set()
        for term in self.terms:
            read = {v for v, _, _ in term.degree}
            if read and read <= set(others):
                theirs |= {term.coefficient, *term.parameters}
        return len(set(self.free(known)) - theirs)


def evaluate(
    law: Law, parameters: Mapping[str, ArrayLike], variables: Mapping[str, ArrayLike]
) -> NDArray[np.float64]:
    """The law's value; parameters and variables broadcast against each other."""
    p = {name: np.asarray(value, float) for name, value in parameters.items()}
    v = {name: np.asarray(value, float) for name, value in variables.items()}
    total: NDArray[np.float64] = np.zeros(())
    for term in law.terms:
        value = p[term.coefficient]
        if term.log:
            value = value * np.exp(term.log(p, v))
        total = total + term.sign * value
    return total
