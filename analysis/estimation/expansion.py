"""A law's terms and their first two derivatives in theta, for many problems at once.

Plain powers have theirs in closed form. Of other terms the first derivatives are taken by a complex
step, exact to rounding (Squire & Trapp 1998, doi 10.1137/S003614459631241X), and the second by
central differences of those.
"""

from typing import NamedTuple

import numpy as np

from analysis.estimation.problem import Array, Problems, named
from analysis.laws.law import Law, Term

COMPLEX_STEP = 1e-30
STEP = 1e-5
TINY = 1e-300


class Part(NamedTuple):
    """Derivatives of log t [k, m, B] along k `places` of theta, and second ones [k, k, m, B]."""

    places: list[int]
    slopes: Array
    bends: Array | None


def values(problems: Problems, theta: Array) -> Array:
    """Each term's value [K, m, B] at the places and theta [B, P], without its sign."""
    law = problems.law
    out = np.empty((len(law.terms), *problems.log_x.shape[1:]))
    p = None
    for k, term in enumerate(law.terms):
        if term.log is None:
            out[k] = theta[:, k]
        elif term.power:
            variable, exponent = term.power
            log_x = problems.log_x[law.variables.index(variable)]
            np.multiply(-theta[:, law.parameters.index(exponent)], log_x, out=out[k])
            out[k] += theta[:, k]
            np.exp(out[k], out=out[k])
        else:
            p = p or (named(law, theta), problems.variables())
            np.exp(theta[:, k] + term.log(*p), out=out[k])
    return out


def total(law: Law, terms: Array) -> Array:
    """The law [m, B]: its terms [K, m, B] with their signs."""
    if all(term.sign == 1 for term in law.terms):
        return terms.sum(axis=0)
    return np.einsum("k,knb->nb", np.array([term.sign for term in law.terms]), terms)


def predicted(problems: Problems, theta: Array) -> Array:
    """The law [n, B] at the points, or its logarithm where residuals are of logarithms."""
    found = total(problems.law, values(problems, theta))
    return problems.of_points(found if problems.linear else np.log(np.maximum(found, TINY)))


def residuals(problems: Problems, theta: Array) -> Array:
    """Value minus law, of logarithms or not [B, n] at theta [B, P]; 0 where there is no point."""
    return np.where(problems.real, (problems.y - predicted(problems, theta)).T, 0)


def differentiate(
    problems: Problems,
    theta: Array,
    terms: Array,
    unit: Array | float,
    *,
    pull: Array | None = None,
    bends: bool = False,
) -> tuple[Array, Array]:
    """First derivatives of the law times `unit` [P, m, B], second ones times `pull` [P, P, B].

    The second are summed over the places, and there without `pull`; terms other than powers bend
    only if `bends`. With slopes g of log t: dt = t g and d2t = t (g g' + dg).
    """
    law, size = problems.law, theta.shape[1]
    jacobian = np.zeros((size, *problems.log_x.shape[1:]))
    bent = np.zeros((size, size, len(problems)))
    for k, term in enumerate(law.terms):
        if term.log is None:
            jacobian[k] += unit * term.sign
            continue
        share = terms[k] * unit if term.sign > 0 else -terms[k] * unit
        if term.power:
            j = law.parameters.index(term.power[1])
            _add_power(problems, term.power[0], (k, j), share, pull, jacobian, bent)
        else:
            part = _part(problems, theta, k, term, bends=bends and pull is not None)
            own = part.slopes * share
            jacobian[part.places] += own
            if pull is not None:
                block = np.einsum("pnb,qnb->pqb", own * pull, part.slopes)
                if part.bends is not None:
                    block += np.einsum("nb,pqnb->pqb", share * pull, part.bends)
                bent[np.ix_(part.places, part.places)] += block
    return jacobian, bent


def _add_power(
    problems: Problems,
    variable: str,
    places: tuple[int, int],
    share: Array,
    pull: Array | None,
    jacobian: Array,
    bent: Array,
) -> None:
    """Of one power, whose slopes are 1 and -log x."""
    k, j = places
    log_x = problems.log_x[problems.law.variables.index(variable)]
    jacobian[k] += share
    jacobian[j] -= share * log_x
    if pull is not None:
        pulled = share * pull
        mixed = np.einsum("nb,nb->b", pulled, log_x)
        bent[k, k] += pulled.sum(axis=0)
        bent[j, j] += np.einsum("nb,nb,nb->b", pulled, log_x, log_x)
        bent[k, j] -= mixed
        bent[j, k] -= mixed


def _part(problems: Problems, theta: Array, k: int, term: Term, *, bends: bool) -> Part:
    """By complex steps along whatever the term reads and is not known."""
    law, variables = problems.law, problems.variables()
    read = [law.parameters.index(name) for name in term.parameters]
    places = list(dict.fromkeys([k, *read]))
    sought = [p in read and (problems.lower[:, p] < problems.upper[:, p]).any() for p in places]

    def slopes(theta: Array) -> Array:
        out = np.zeros((len(places), *problems.log_x.shape[1:]))
        out[0] = 1
        for row, place in enumerate(places):
            if sought[row]:
                stepped = theta.astype(complex)
                stepped[:, place] += 1j * COMPLEX_STEP
                log = term.log(named(law, stepped), variables) if term.log else 0
                out[row] += np.imag(log) / COMPLEX_STEP
        return out

    if not bends:
        return Part(places, slopes(theta), None)
    second = np.zeros((len(places), len(places), *problems.log_x.shape[1:]))
    for row, place in enumerate(places):
        if sought[row]:
            step = np.zeros(theta.shape[1])
            step[place] = STEP
            second[row] = (slopes(theta + step) - slopes(theta - step)) / (2 * STEP)
    return Part(places, slopes(theta), (second + second.swapaxes(0, 1)) / 2)
