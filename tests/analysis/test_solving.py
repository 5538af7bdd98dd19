"""Systems solved side by side, against numpy's solver taking them one by one."""

import numpy as np

from analysis.estimation.solving import solve


def test_free_coordinates_are_those_of_the_smaller_system():
    rng = np.random.default_rng(0)
    half, right = rng.standard_normal((50, 6, 6)), rng.standard_normal((50, 6))
    matrix = half @ half.swapaxes(1, 2) + np.diag(np.geomspace(1e-3, 1e3, 6))
    free = rng.random((50, 6)) < 0.7
    found = solve(matrix.T, right.T, free.T).T
    for x, a, b, kept in zip(found, matrix, right, free, strict=True):
        assert not x[~kept].any()
        exact = np.linalg.solve(a[np.ix_(kept, kept)], b[kept])
        np.testing.assert_allclose(x[kept], exact, rtol=1e-9, atol=1e-12)


def test_a_singular_system_has_no_finite_answer_and_spoils_no_other():
    matrix = np.stack([np.zeros((2, 2)), np.eye(2)], axis=-1)
    found = solve(matrix, np.ones((2, 2)), np.ones((2, 2), bool))
    assert not np.isfinite(found[:, 0]).any()
    np.testing.assert_array_equal(found[:, 1], 1)
