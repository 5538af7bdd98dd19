"""Laws as declarations: sums of terms, each a constant or a power of one variable.

A sum of power terms is linear in its coefficients once the exponents are fixed, which is all
`analysis.estimate` needs to know. A law is added by adding a line to `LAWS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

EXPONENT_BOUNDS = (1e-3, 5.0)
"""Beyond these a power of the data's range is a constant or a step, and no longer a law."""


@dataclass(frozen=True)
class Term:
    """coefficient * variable^-exponent; without a variable, a constant (a floor)."""

    coefficient: str
    variable: str | None = None
    exponent: str | None = None


@dataclass(frozen=True, kw_only=True)
class Law:
    """A functional form. Coefficients are nonnegative and enter linearly; exponents do not."""

    name: str
    title: str
    terms: tuple[Term, ...]
    formula: str
    latex: str
    source: str

    @property
    def coefficients(self) -> tuple[str, ...]:
        """Names of the linear parameters, one a term."""
        return tuple(term.coefficient for term in self.terms)

    @property
    def exponents(self) -> tuple[str, ...]:
        """Names of the nonlinear parameters."""
        return tuple(term.exponent for term in self.terms if term.exponent)

    @cached_property
    def powers(self) -> tuple[int, ...]:
        """Indices of the terms that have an exponent."""
        return tuple(k for k, term in enumerate(self.terms) if term.exponent)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Coefficients, then exponents: the order of every parameter vector."""
        return self.coefficients + self.exponents

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables, each once."""
        return tuple(dict.fromkeys(term.variable for term in self.terms if term.variable))

    def parameters_of(self, variable: str) -> int:
        """How many parameters only distinct values of `variable` can pin, floor included."""
        constant = sum(term.variable is None for term in self.terms)
        return constant + 2 * sum(term.variable == variable for term in self.terms)


LAWS = {
    law.name: law
    for law in (
        Law(
            name="power",
            title="power law",
            terms=(Term("A", "x", "alpha"),),
            formula="y = A x^-alpha",
            latex=r"A\,x^{-\alpha}",
            source="Kaplan et al. 2020, arXiv 2001.08361, eq. 1.1",
        ),
        Law(
            name="floor",
            title="power law with floor",
            terms=(Term("E"), Term("A", "x", "alpha")),
            formula="y = E + A x^-alpha",
            latex=r"E + A\,x^{-\alpha}",
            source="Henighan et al. 2020, arXiv 2010.14701, eq. 1.1",
        ),
        Law(
            name="joint",
            title="joint law in size and steps",
            terms=(Term("E"), Term("A", "N", "alpha"), Term("B", "S", "beta")),
            formula="L = E + A N^-alpha + B S^-beta",
            latex=r"E + A\,N^{-\alpha} + B\,S^{-\beta}",
            source="Hoffmann et al. 2022, arXiv 2203.15556, eq. 2",
        ),
    )
}


def evaluate(
    law: Law, parameters: Mapping[str, ArrayLike], variables: Mapping[str, ArrayLike]
) -> NDArray[np.float64]:
    """The law's value; parameters and variables broadcast against each other."""
    total: NDArray[np.float64] = np.zeros(())
    for term in law.terms:
        value = np.asarray(parameters[term.coefficient], float)
        if term.variable and term.exponent:
            x = np.asarray(variables[term.variable], float)
            value = value * x ** -np.asarray(parameters[term.exponent], float)
        total = total + value
    return total
