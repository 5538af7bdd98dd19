"""Regression by support vectors in libsvm's text (Chang & Lin 2011), and svm-scale's range."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from scaling.errors import InputError

REGRESSIONS = ("epsilon_svr", "nu_svr")
KERNEL = "rbf"


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """y(x) = sum_i c_i exp(-gamma |x - v_i|²) - rho."""

    gamma: float
    rho: float
    coefficients: Float[np.ndarray, " k"]
    vectors: Float[np.ndarray, "k d"]

    def __call__(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " n"]:
        """Of features as they were scaled in training."""
        apart = np.sum((x[:, None] - self.vectors) ** 2, axis=2)
        return np.exp(-self.gamma * apart) @ self.coefficients - self.rho


@dataclass(frozen=True, kw_only=True, eq=False)
class Range:
    """From [minimum, maximum] of each feature [d] to [low, high]."""

    low: float
    high: float
    minimum: Float[np.ndarray, " d"]
    maximum: Float[np.ndarray, " d"]

    def __call__(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """Beyond the ends where `x` is."""
        share = (x - self.minimum) / (self.maximum - self.minimum)
        return self.low + (self.high - self.low) * share


def regression(path: Path, width: int) -> Regression:
    """Of `width` features; InputError for another model."""
    head, _, body = path.read_text(errors="replace").partition("\nSV\n")
    about = dict(line.split(maxsplit=1) for line in head.splitlines() if " " in line)
    kind, kernel = about.get("svm_type", "none"), about.get("kernel_type", "none")
    if kind not in REGRESSIONS or kernel != KERNEL:
        raise InputError(
            f"'{path}' should be a libsvm model of svm_type epsilon_svr and kernel_type {KERNEL}, "
            f"not {kind} and {kernel}"
        )
    try:
        rows = [line.split() for line in body.splitlines() if line.strip()]
        vectors = np.zeros((len(rows), width))
        for row, (_, *entries) in enumerate(rows):
            for index, value in (entry.split(":") for entry in entries):
                vectors[row, int(index) - 1] = float(value)
        found = Regression(
            gamma=float(about["gamma"]),
            rho=float(about["rho"]),
            coefficients=np.array([float(row[0]) for row in rows]),
            vectors=vectors,
        )
    except (KeyError, ValueError, IndexError) as error:
        raise InputError(f"'{path}' is damaged or no model of {width} features: {error}") from None
    if len(rows) != int(about.get("total_sv", len(rows))):
        raise InputError(f"'{path}' is cut off: {len(rows)} of {about['total_sv']} support vectors")
    return found


def scale(path: Path, width: int) -> Range:
    """What `svm-scale -s` wrote of `width` features; InputError for anything else."""
    try:
        first, ends, *rest = path.read_text(errors="replace").split("\n")
        low, high = (float(each) for each in ends.split())
        rows = {int(i): (float(a), float(b)) for i, a, b in (r.split() for r in rest if r.strip())}
        if first.strip() != "x" or sorted(rows) != list(range(1, width + 1)):
            raise ValueError(f"it begins with '{first.strip()}' and has {len(rows)} rows")
    except ValueError as error:
        raise InputError(
            f"'{path}' is no range of {width} features as svm-scale writes it: a line `x`, a line "
            f"`-1 1`, and lines `number minimum maximum` ({error})"
        ) from None
    minimum, maximum = np.array([rows[i] for i in range(1, width + 1)]).T
    return Range(low=low, high=high, minimum=minimum, maximum=maximum)
