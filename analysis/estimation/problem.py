"""The data of fits in normalised variables, and how parameters are searched for.

Variables and values are divided by their geometric means, so the answer scales with them exactly.
Theta holds the coefficients, as logarithms but for constants, then the shapes, positive ones as
logarithms. Every function works on B problems of one law at once: several fits, their starts or
their replicates. Problems are the data's last axis, along which numpy is fastest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.laws.law import Law, Unit, Values

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

LOG_LIMIT = 30.0


@dataclass(frozen=True, kw_only=True)
class Problems:
    """Data of B fits of one law in normalised variables; n points, V variables, P parameters.

    `log_x` [V, m, B] are the variables' logarithms at m places, `at` [n] is each point's, so that
    the law is worked out once for the seeds of a rung. `y` [n, B] are the values or, unless
    `linear`, their logarithms. A problem's `weights` [n, B] sum to one; points of weight 0 fill up
    the shorter ones.
    `x_scale` is [V, B], `y_scale` [B] and Huber's `delta` [B], for `squares` but a scale; values
    above the law count `asymmetry` times. Theta stays within `lower` and `upper` [B, P]: known
    parameters have both alike.
    """

    law: Law
    log_x: Array
    at: Indices
    y: Array
    weights: Array
    x_scale: Array
    y_scale: Array
    delta: Array
    lower: Array
    upper: Array
    linear: bool = False
    squares: bool = False
    asymmetry: float = 1.0

    def __len__(self) -> int:
        return len(self.delta)

    @property
    def real(self) -> Mask:
        """Which points [B, n] are data and do not just fill up."""
        return self.weights.T > 0

    def of_points(self, values: Array) -> Array:
        """What is so at the places [..., m, B], for each point [..., n, B]."""
        return values if self._apart else values[..., self.at, :]

    def of_places(self, values: Array) -> Array:
        """What points [n, B] come to at each place [m, B]."""
        if self._apart:
            return values
        return np.equal.outer(np.arange(self.log_x.shape[1]), self.at).astype(float) @ values

    @property
    def _apart(self) -> bool:
        """Whether each point has a place of its own; then they are in the same order."""
        return self.log_x.shape[1] == len(self.at)

    def variables(self) -> dict[str, Array]:
        """Normalised, by name, at the places."""
        return dict(zip(self.law.variables, np.exp(self.log_x), strict=True))

    def take(self, rows: Indices | Mask | slice) -> "Problems":
        """The problems of these indices, repeated where those are, or of a mask."""
        return replace(
            self,
            log_x=self.log_x[..., rows],
            y=self.y[:, rows],
            weights=self.weights[:, rows],
            x_scale=self.x_scale[:, rows],
            y_scale=self.y_scale[rows],
            delta=self.delta[rows],
            lower=self.lower[rows],
            upper=self.upper[rows],
        )

    def natural(self, theta: Array) -> Array:
        """Parameters [B, P] in the units of the data, from normalised theta [B, P]."""
        return np.stack(list(_natural(self, named(self.law, theta)).values()), axis=1)


def named(law: Law, theta: Array) -> dict[str, Array]:
    """Normalised parameters by name, from theta [..., P], which may be complex."""
    logs = logarithmic(law)
    columns = np.moveaxis(theta, -1, 0)
    return {
        name: np.exp(column) if log else column
        for name, column, log in zip(law.parameters, columns, logs, strict=True)
    }


def logarithmic(law: Law) -> list[bool]:
    """Which parameters theta holds as logarithms."""
    return [term.log is not None for term in law.terms] + [s.positive for s in law.shapes]


def _natural(problems: Problems, p: dict[str, Array]) -> dict[str, Array]:
    law = problems.law
    mean = dict(zip(law.variables, problems.x_scale, strict=True))
    out = {shape.name: p[shape.name] * unit_of(shape.unit, mean, p) for shape in law.shapes}
    scales = {
        term.coefficient: problems.y_scale
        * np.prod([mean[v] ** (-sign * out[e]) for v, e, sign in term.degree], axis=0)
        for term in law.terms
    }
    return {name: p[name] * scales[name] for name in law.coefficients} | out


def unit_of(unit: Unit, mean: Values, p: Values) -> Any:
    """What a normalised shape is multiplied with."""
    if unit is None:
        return 1.0
    return mean[unit] if isinstance(unit, str) else unit(mean, p)


def pose(
    law: Law,
    variables: Mapping[str, Array],
    y: Array,
    *,
    delta: float,
    linear: bool = False,
    squares: bool = False,
    asymmetry: float = 1.0,
    weights: Array | None = None,
    known: Mapping[str, float] | None = None,
) -> Problems:
    """Normalise positive variables [n] and values [n]: one problem.

    `known` parameters, in the units of the data, are not fitted. ValueError where one of them
    cannot be known without another.
    """
    logs = np.log(np.stack([variables[name] for name in law.variables]))
    centres = logs.mean(axis=1)
    for name, other in (law.measured_like or {}).items():
        centres[law.variables.index(name)] = centres[law.variables.index(other)]
    magnitude = np.log(np.abs(y[y != 0])).mean() if (y <= 0).any() else np.log(y).mean()
    scale = np.exp(magnitude)
    weights = np.ones(y.size) if weights is None else weights
    distinct, at = np.unique(logs, axis=1, return_inverse=True)
    if distinct.shape == logs.shape:
        distinct, at = logs, np.arange(y.size)
    problems = Problems(
        law=law,
        log_x=(distinct - centres[:, None])[..., None],
        at=at,
        y=((y / scale) if linear else (np.log(y) - magnitude))[:, None],
        weights=(weights / weights.sum())[:, None],
        x_scale=np.exp(centres)[:, None],
        y_scale=np.array([scale]),
        delta=np.array([delta]),
        lower=np.empty((1, 0)),
        upper=np.empty((1, 0)),
        linear=linear,
        squares=squares,
        asymmetry=asymmetry,
    )
    lower, upper = limits(problems)
    every = dict(law.fixed or {}) | dict(known or {})
    return held_at(replace(problems, lower=lower, upper=upper), every)


def limits(problems: Problems) -> tuple[Array, Array]:
    """Between which theta [B, P] is searched for: constants are at least 0, shapes as they say."""
    law, variables = problems.law, problems.variables()
    ends = [(0.0 if term.log is None else -LOG_LIMIT, LOG_LIMIT) for term in law.terms]
    for shape in law.shapes:
        low, high = shape.bounds
        ends.append((np.log(low), np.log(high)) if shape.positive else (low, high))
    lower, upper = (np.tile(each, (len(problems), 1)) for each in np.array(ends).T)
    for k, shape in enumerate(law.shapes, len(law.terms)):
        if shape.below:
            least = variables[shape.below].min(axis=0) * (1 - 1e-9)
            upper[:, k] = np.log(least) if shape.positive else least
    return lower, upper


def held_at(problems: Problems, known: Mapping[str, Array | float]) -> Problems:
    """The problems with these parameters, in the units of the data, known and not fitted.

    Each is a number or one a problem [B]. ValueError where one cannot be known without another.
    """
    law = problems.law
    lower, upper = problems.lower.copy(), problems.upper.copy()
    for name in known:
        if name not in law.parameters:
            raise ValueError(
                f"{name} cannot be known: the {law.title} has {', '.join(law.parameters)}"
            )
        place = law.parameters.index(name)
        lower[:, place] = upper[:, place] = _theta_of(problems, name, known)
    return replace(problems, lower=lower, upper=upper)


def _theta_of(problems: Problems, name: str, known: Mapping[str, Array | float]) -> Array | float:
    """Of one known parameter, in the order and units of theta."""
    law = problems.law
    mean = dict(zip(law.variables, problems.x_scale, strict=True))
    shape = next((shape for shape in law.shapes if shape.name == name), None)
    try:
        if shape is not None:
            value, log = known[name] / unit_of(shape.unit, mean, known), shape.positive
        else:
            term = law.terms[law.parameters.index(name)]
            factors = [mean[v] ** (-sign * known[e]) for v, e, sign in term.degree]
            value = known[name] / problems.y_scale / np.prod(factors, axis=0)
            log = term.log is not None
    except KeyError as missing:
        raise ValueError(
            f"{name} can only be known together with {missing.args[0]}, which decides its unit"
        ) from None
    if log and np.min(value) <= 0:
        raise ValueError(f"{name} must be positive, not {known[name]}")
    return np.log(value) if log else value


def stack(problems: Sequence[Problems]) -> Problems:
    """Problems of one law together, filled up to as many points as the longest has."""
    points = ("log_x", "y", "weights")
    if any(not np.array_equal(part.at, problems[0].at) for part in problems):
        longest = max(len(part.at) for part in problems)
        problems = [
            replace(part, log_x=part.of_points(part.log_x), at=np.arange(longest))
            for part in problems
        ]
    whole = ("y_scale", "delta", "lower", "upper")
    return replace(
        problems[0],
        x_scale=np.concatenate([part.x_scale for part in problems], axis=1),
        **{name: side_by_side([getattr(part, name) for part in problems]) for name in points},
        **{name: np.concatenate([getattr(part, name) for part in problems]) for name in whole},
    )


def side_by_side(parts: Sequence[Array]) -> Array:
    """Arrays [..., m, b] along their last axis, filled up with zeros to the largest m."""
    longest = max(part.shape[-2] for part in parts)
    total = sum(part.shape[-1] for part in parts)
    out, start = np.zeros((*parts[0].shape[:-2], longest, total)), 0
    for part in parts:
        points, problems = part.shape[-2:]
        out[..., :points, start : start + problems] = part
        start += problems
    return out
