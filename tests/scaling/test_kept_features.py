"""Features of fixed pictures on disk: found again, never torn, never beyond their limit."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from scaling.errors import InputError
from scaling.measure.kept_features import features_of, kept_features_of
from tests.scaling.pictures_network import network


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path))
    return tmp_path / "features"


def images(seed, count=12):
    return np.random.default_rng(seed).integers(0, 256, (count, 8, 8, 3), np.uint8)


def counting():
    """A network, and how often it was asked."""
    calls = []
    real = network()
    return replace(real, apply=lambda pixels: (calls.append(1), real.apply(pixels))[1]), calls


def test_features_are_computed_once_and_are_the_same():
    watched, calls = counting()
    first = kept_features_of(images(0), watched, "pictures")
    asked = len(calls)
    np.testing.assert_array_equal(first, features_of(images(0), network(), "pictures"))
    np.testing.assert_array_equal(first, kept_features_of(images(0), watched, "pictures"))
    assert len(calls) == asked > 0


@pytest.mark.parametrize(
    "other",
    [lambda i, n: (i + 1, n), lambda i, n: (i[:, ::-1], n), lambda i, n: (i[:-1], n),
     lambda i, n: (i, replace(n, sha256="another")), lambda i, n: (i, replace(n, size=4))],
    ids=["pixels", "order", "count", "weights", "size"],
)  # fmt: skip
def test_anything_else_has_a_place_of_its_own(cache, other):
    kept_features_of(images(0), network(), "pictures")
    pictures, made = other(images(0), network())
    if made.size != network().size:
        made = replace(made, apply=lambda pixels: (pixels.mean(axis=(1, 2)),))
    kept_features_of(pictures, made, "pictures")
    assert len(list(cache.iterdir())) == 2


def test_a_torn_file_is_made_again(cache):
    whole = kept_features_of(images(0), network(), "pictures")
    (path,) = cache.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    np.testing.assert_array_equal(kept_features_of(images(0), network(), "pictures"), whole)


@pytest.fixture
def keep_bytes(monkeypatch):
    return lambda limit: monkeypatch.setenv("SCALING_FEATURES_GIB", str(limit / 2**30))


def test_what_was_not_used_for_longest_goes_first(cache, keep_bytes):
    limit, paths = 3500, []
    keep_bytes(limit)
    for seed in range(3):
        kept_features_of(images(seed), network(), "pictures")
        (new,) = set(cache.iterdir()) - set(paths)
        paths.append(new)
        os.utime(new, (seed, seed))
    assert sum(path.stat().st_size for path in paths) <= limit
    kept_features_of(images(0), network(), "pictures")  # used, so no longer the oldest
    kept_features_of(images(3), network(), "pictures")
    assert [path.exists() for path in paths] == [True, False, True]


def test_what_alone_is_beyond_the_limit_is_kept_until_the_next(cache, keep_bytes):
    keep_bytes(10)
    for seed in range(2):
        kept_features_of(images(seed), network(), "pictures")
        assert len(list(cache.iterdir())) == 1


@pytest.mark.parametrize("given", ["many", "-1", "nan", "inf"])
def test_a_limit_that_is_none_is_said(monkeypatch, given):
    monkeypatch.setenv("SCALING_FEATURES_GIB", given)
    with pytest.raises(InputError, match=f"SCALING_FEATURES_GIB is '{given}'; it should be how"):
        kept_features_of(images(0), network(), "pictures")


def test_workers_who_write_and_delete_at_once_do_not_clash(cache, keep_bytes):
    keep_bytes(2500)

    def work(place):
        return kept_features_of(images(place % 4), network(), "pictures")

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(work, range(64)))
    for place, features in enumerate(found):
        expected = features_of(images(place % 4), network(), "pictures")
        np.testing.assert_array_equal(features, expected)
    assert not list(cache.glob(".*"))
