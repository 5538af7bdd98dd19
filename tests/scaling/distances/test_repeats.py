"""Means over several sets of generated samples: their errors against how they truly vary."""

import numpy as np
import pytest

from scaling.measure.distances.estimate import Estimate, standard_error
from scaling.measure.distances.gaussianity import gaussianity
from scaling.measure.distances.metrics import GAUSSIANITY, METRICS, Pair, measure
from scaling.measure.distances.repeats import measure_sets, over_sets

TIMES = 400


def replicates(names, *, real, own, sets, seeds=0.0, dimension=4, times=TIMES):
    """Values and errors [times, names, 2] of Gaussians apart; `seeds` moves each set by itself."""
    found = []
    for replicate in range(times):
        rng = np.random.default_rng(replicate)
        moved = seeds * rng.normal(size=(sets, 1, dimension))
        generated = rng.normal(size=(sets, own, dimension)) * 1.3 + 0.5 + moved
        pair = Pair(
            real=rng.normal(size=(real, dimension)),
            generated=generated.reshape(sets * own, dimension),
            logits=None,
        )
        of = measure_sets(pair, sets, names)
        found.append([(of[name].value, standard_error(of[name])) for name in names])
    return np.array(found)


def covered(values, errors):
    """How often an interval holds what values come to on average, their bias included."""
    return np.mean(np.abs(values - values.mean()) < 1.96 * errors)


@pytest.mark.parametrize("sets", [1, 3])
@pytest.mark.parametrize(("real", "own"), [(80, 150), (250, 150)])
def test_intervals_cover_as_they_say_whichever_side_is_small(real, own, sets):
    """As much as half of the error is of the real samples, which more sets do not lessen."""
    found = replicates(("fd", "kid"), real=real, own=own, sets=sets)
    for values, errors in np.moveaxis(found, (1, 2), (0, 1)):
        assert 0.92 <= covered(values, errors) <= 0.98
        assert 0.93 < np.sqrt((errors**2).mean()) / values.std(ddof=1) < 1.25


def test_had_the_real_samples_error_averaged_out_intervals_would_be_too_short():
    values, errors = replicates(("fd",), real=60, own=200, sets=3)[:, 0].T
    assert 0.92 <= covered(values, errors) <= 0.98
    assert covered(values, errors / 3**0.5) < 0.8


def test_what_seeds_bring_beyond_samples_is_in_the_error():
    """Each set is moved as a whole, which its own samples cannot tell."""
    values, errors = replicates(("fd",), real=200, own=100, sets=3, seeds=0.3)[:, 0].T
    assert 0.85 < np.sqrt((errors**2).mean()) / values.std(ddof=1) < 1.15
    one = replicates(("fd",), real=200, own=100, sets=1, seeds=0.3)[:, 0].T
    assert np.sqrt((one[1] ** 2).mean()) < 0.7 * one[0].std(ddof=1)


def test_what_generated_samples_bring_is_how_values_vary_with_the_real_ones_held():
    """By simulation, of every metric that tells it apart and has no other noise than samples'."""
    rng = np.random.default_rng(0)
    real, names = rng.normal(size=(150, 3)), ("fd", "kid", "cmmd", "sliced_wasserstein")
    found = [
        measure(Pair(real=real, generated=rng.normal(size=(100, 3)) + 0.7, logits=None), names)
        for _ in range(150)
    ]
    for name in names:
        values = np.array([of[name].value for of in found])
        told = np.array([of[name].of_generated for of in found])
        assert 0.85 < np.sqrt((told**2).mean()) / values.std(ddof=1) < 1.15


def test_one_set_is_measured_as_ever_and_means_are_of_the_sets_own_values():
    rng = np.random.default_rng(0)
    real, sets = rng.normal(size=(60, 3)), rng.normal(size=(3, 40, 3)) + 1
    wanted = (*(name for name in METRICS if name != "inception_score"), *GAUSSIANITY)
    each = [measure(Pair(real=real, generated=own, logits=None), wanted) for own in sets]
    one = measure_sets(Pair(real=real, generated=sets[0], logits=None), 1, wanted)
    assert repr(one) == repr(each[0])
    every = np.concatenate(sets)
    found = measure_sets(Pair(real=real, generated=every, logits=None), 3, wanted)
    for name in METRICS:
        if name in wanted:
            assert found[name].value == pytest.approx(np.mean([of[name].value for of in each]))
    assert found["gaussianity/p_value"].value == gaussianity(every).p_value


def test_the_formula_by_hand():
    """T^2 = 25, s^2 = 9 of each set; S^2 = 2^2, below s^2, or 12^2, far above it."""

    def of(*values):
        return over_sets([Estimate.normal(value, 5.0, of_generated=3.0) for value in values])

    assert standard_error(of(8.0, 10.0, 12.0)) == pytest.approx((16 + 9 / 3) ** 0.5)
    assert standard_error(of(-2.0, 10.0, 22.0)) == pytest.approx((16 + 144 / 3) ** 0.5)
    whole = [Estimate.normal(value, 5.0) for value in (8.0, 10.0, 12.0)]
    assert standard_error(over_sets(whole)) == pytest.approx((25 + 4 / 3) ** 0.5)
    assert np.isnan(over_sets([*whole, Estimate.unknown()]).value)


def test_a_limit_that_is_only_bounded_stays_so_however_many_sets():
    """Fewer samples than three times the dimensions."""
    rng = np.random.default_rng(0)
    real, generated = rng.normal(size=(60, 40)), rng.normal(size=(180, 40)) + 0.2
    (found,) = measure_sets(
        Pair(real=real, generated=generated, logits=None), 3, ["fd_infinite"]
    ).values()
    assert found.value > 0 >= found.low
