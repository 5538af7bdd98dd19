"""Distances averaged over classes: what counts alike, what is left out, and how sure they are."""

import numpy as np
import pytest

from scaling.errors import InputError
from scaling.measure.by_class import average, by_class
from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.kernel import kid
from scaling.measure.features.labels import of_array
from scaling.measure.features.protocol import GIVEN
from scaling.measure.features.sets import from_array


def labelled(rng, counts, shifts):
    """Features [n, 2], each class shifted, in random order."""
    names = np.repeat(list(counts), list(counts.values()))
    names = rng.permutation(names)
    rows = rng.normal(size=(len(names), 2)) + np.array([shifts.get(n, 0.0) for n in names])[:, None]
    return from_array(rows.astype(np.float32), "some", None, GIVEN, tuple(names.tolist()))


def test_each_class_counts_alike_and_the_rest_is_listed():
    rng = np.random.default_rng(0)
    real = labelled(rng, {"cat": 400, "dog": 40, "emu": 15, "fox": 20, "gnu": 20}, {})
    generated = labelled(rng, {"cat": 30, "dog": 50, "emu": 20, "fox": 7, "owl": 9}, {"dog": 2.0})
    found = by_class(real, generated, ("kid", "precision"))
    assert list(found.values) == ["cat", "dog"]
    assert found.left_out == {
        "emu": "15 of 16 real samples",
        "fox": "7 of 8 generated samples",
        "gnu": "only in REAL (20 samples)",
        "owl": "only in GENERATED (9 samples)",
    }
    dogs = [np.array(some.labels) == "dog" for some in (real, generated)]
    alone = kid(real.features[dogs[0]], generated.features[dogs[1]])
    assert found.values["dog"]["kid"].value == alone.value
    each = [found.values[name]["kid"].value for name in ("cat", "dog")]
    np.testing.assert_allclose(found.averages["kid"].value, np.mean(each))
    assert found.worst("kid", 1)[0][0] == "dog"
    assert found.worst("precision", 1)[0][0] == "dog"
    assert found.control["kid"].low < 0 < found.control["kid"].high
    assert "kid: unbiased" in " ".join(by_class(real, generated, ("kid",)).notes + found.notes)


def test_the_interval_of_an_average_covers_as_it_says():
    truth, hits = 1.0, 0
    rng = np.random.default_rng(1)
    for _ in range(300):
        errors = rng.uniform(0.1, 1.0, size=7)
        values = truth + errors * rng.normal(size=7)
        pairs = zip(values.tolist(), errors.tolist(), strict=True)
        found = average([Estimate.normal(value, error) for value, error in pairs])
        hits += found.low <= truth <= found.high
    assert 0.92 <= hits / 300 <= 0.98


def test_mistakes():
    rng = np.random.default_rng(2)
    some, other = labelled(rng, {"a": 30}, {}), labelled(rng, {"b": 30}, {})
    with pytest.raises(InputError, match="are the classes called the same on both sides"):
        by_class(some, other, ("kid",))
    plain = from_array(some.features, "some", None, GIVEN)
    with pytest.raises(InputError, match=r"GENERATED .* does not say the class of each image"):
        by_class(some, plain, ("kid",))
    with pytest.raises(InputError, match=r"should be 2 whole numbers or strings"):
        of_array(np.zeros(2), 2, "some")
