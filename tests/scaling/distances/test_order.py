"""The same samples in another order have the same distances: to 1e-6 of their values."""

from dataclasses import asdict

import numpy as np
import pytest

from scaling.measure.comparison import compare
from scaling.measure.distances import class_matched, gaussianity, influence, kernel, shape
from scaling.measure.distances.order import order
from scaling.measure.features.protocol import GIVEN
from scaling.measure.features.sets import from_array


@pytest.fixture
def few_are_many(monkeypatch):
    """Sets of a few hundred are cut and thinned as those of many thousands are."""
    for module, name in (
        (kernel, "SUBSET"),
        (influence, "ENOUGH"),
        (class_matched, "ENOUGH"),
        (gaussianity, "MOST_SAMPLES"),
        (shape, "MOST_SAMPLES"),
    ):
        monkeypatch.setattr(module, name, 60)


def drawn(seed: int, count: int, dimension: int, shift: float):
    """Features with logits and labels; some rows are alike but for these, some images seen twice.

    A quarter is of one pool for all seeds, so that real and generated samples coincide, too.
    """
    rng, pool = np.random.default_rng(seed), np.random.default_rng(99)
    rows = np.maximum(rng.normal(size=(count, dimension)) + shift, 0)
    rows[: count // 4] = np.maximum(pool.normal(size=(count // 4, dimension)), 0)
    rows[-20:] = rows[:20]
    logits = rng.normal(size=(count, 5))
    labels = rng.choice(["a", "b"], size=count)
    return rows.astype(np.float32), logits.astype(np.float32), labels


def numbers(found, name=""):
    """Every number of a nest of dictionaries and lists, by its path."""
    if isinstance(found, dict):
        found = found.items()
    elif isinstance(found, list | tuple):
        found = enumerate(found)
    else:
        return {name: found} if isinstance(found, int | float) else {}
    return {k: v for key, value in found for k, v in numbers(value, f"{name}/{key}").items()}


@pytest.mark.parametrize(
    ("dimension", "classes"), [(12, True), pytest.param(520, False, marks=pytest.mark.slow)]
)
def test_every_metric_of_samples_in_another_order(few_are_many, dimension, classes):
    sets = [drawn(1, 240, dimension, 0.0), drawn(2, 200, dimension, 0.1)]

    def compared(orders):
        given = [
            from_array(x[o], "set", logits[o], GIVEN, tuple(labels[o]))
            for (x, logits, labels), o in zip(sets, orders, strict=True)
        ]
        return numbers(asdict(compare(*given, classes=classes, top=2)))

    first = compared([np.arange(240), np.arange(200)])
    assert {"/values/fd_infinite/value", "/class_matched/fd/high"} < set(first)
    rng = np.random.default_rng(3)
    for orders in (
        [np.arange(240)[::-1], np.arange(200)],
        [rng.permutation(240), rng.permutation(200)],
    ):
        again = compared(orders)
        assert again.keys() == first.keys()
        for name, value in first.items():
            assert again[name] == pytest.approx(value, rel=1e-6, abs=1e-9), name


def test_an_order_is_of_the_rows_to_the_bit_and_hardly_of_their_rounding():
    rng = np.random.default_rng(0)
    rows = np.maximum(rng.normal(size=(2000, 301)), 0).astype(np.float32)
    for given in (rows[::-1], np.asfortranarray(rows), rows[rng.permutation(2000)]):
        np.testing.assert_array_equal(given[order(given)], rows[order(rows)])
    rounded = rows * (1 + 1e-7 * rng.normal(size=rows.shape)).astype(np.float32)
    assert (order(rounded) == order(rows)).mean() > 0.99
