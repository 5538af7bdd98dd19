"""Two sweeps of known laws: the multiplier and the difference of slopes are found again."""

import numpy as np
import pandas as pd
import pytest

from analysis import FitSettings, Unsupported
from analysis.scale import shift

SETTINGS = FitSettings(bootstrap=200)
NOISE = 0.002


def sweep(seed, multiplier=1.0, alpha=0.35, noise=NOISE, unit=1.0):
    """Six rungs of two seeds on 0.3 + 8 (m x)^-alpha."""
    rng = np.random.default_rng(seed)
    size, repeat = np.repeat(np.geomspace(1e5, 1e8, 6), 2), np.tile([0, 1], 6)
    value = (0.3 + 8 * (multiplier * size) ** -alpha) * np.exp(noise * rng.normal(size=12))
    frame = pd.DataFrame({"size": size / unit, "seed": repeat, "steps": 0, "value": value})
    frame["rung"] = [f"{s:.3g}" for s in size]
    frame["run"] = frame["rung"] + "-" + frame["seed"].astype(str)
    return frame


def test_without_noise_the_multiplier_is_exact():
    found = shift(sweep(0, noise=0.0), sweep(1, 2.0, noise=0.0), settings=SETTINGS)
    assert found.multiplier.value == pytest.approx(2.0, rel=1e-6)
    assert found.steeper.value == pytest.approx(0.0, abs=1e-6)
    assert found.multiplier_at.value == pytest.approx(2.0, rel=1e-5)


def test_a_shift_by_two_is_found_within_its_interval():
    pairs = [(sweep(i), sweep(i + 50, 2.0)) for i in range(4)]
    found = [shift(*pair, floors="one", settings=SETTINGS) for pair in pairs]
    hits = [f.multiplier.low <= 2 <= f.multiplier.high for f in found]
    assert sum(hits) >= 3
    assert found[0].verdict == "shifted"
    assert "baseline needs" in found[0].sentence()


def test_a_steeper_curve_is_told_from_a_shift():
    found = shift(sweep(0), sweep(1, alpha=0.42), settings=SETTINGS)
    assert found.verdict == "steeper"
    assert found.steeper.low <= 0.07 <= found.steeper.high
    assert found.exponents[0].value == pytest.approx(0.35, abs=0.02)
    assert found.objectives[1] < found.objectives[0]
    assert f"with one each they differ by {found.floor_apart}" in found.sentence()
    # at x the baseline needs x^(0.42 / 0.35 - 1) times as much
    assert found.multiplier_at.low <= 1e8**0.2 <= found.multiplier_at.high


def test_two_samples_of_one_law_are_not_told_apart():
    found = shift(sweep(3), sweep(4), settings=SETTINGS)
    assert found.multiplier.low <= 1 <= found.multiplier.high
    assert found.verdict == "not told apart" and "not told apart" in found.sentence()


def test_the_other_way_round_is_the_inverse_and_units_do_not_matter():
    a, b = sweep(0), sweep(1, 2.0)
    one, back = (shift(*pair, floors="one", settings=SETTINGS) for pair in ((a, b), (b, a)))
    assert back.multiplier.value == pytest.approx(1 / one.multiplier.value, rel=1e-4)
    assert back.steeper.value == pytest.approx(-one.steeper.value, abs=1e-4)
    thousands = sweep(0, unit=1e3), sweep(1, 2.0, unit=1e3)
    scaled = shift(*thousands, floors="one", settings=SETTINGS)
    assert scaled.multiplier.value == pytest.approx(one.multiplier.value, rel=1e-6)


def raised(seed, by, **options):
    """The same sweep on another floor."""
    frame = sweep(seed, **options)
    return frame.assign(value=frame["value"] + by)


def test_without_noise_both_floors_are_exact():
    found = shift(sweep(0, noise=0.0), raised(1, 0.02, multiplier=2.0, noise=0.0), floors="each",
                  settings=SETTINGS)  # fmt: skip
    assert [floor.value for floor in found.floors] == pytest.approx([0.30, 0.32], rel=1e-5)
    assert found.floor_apart.value == pytest.approx(0.02, rel=1e-4)
    assert found.multiplier.value == pytest.approx(2.0, rel=1e-3)  # of what lies above the floor
    assert found.steeper.value == pytest.approx(0.0, abs=1e-4)
    # 8 (m x)^-0.35 = 8 (2 x)^-0.35 + 0.02 at the largest size
    excess = 8 * 2e8**-0.35 + 0.02
    assert found.multiplier_at.value == pytest.approx((8 / excess) ** (1 / 0.35) / 1e8, rel=1e-3)


def test_a_higher_floor_is_not_taken_for_a_flatter_curve():
    other = raised(1, 0.02)
    found = shift(sweep(0), other, settings=SETTINGS)
    assert found.verdict == "another floor"
    assert found.own_floors
    assert found.floor_apart.low < 0.02 < found.floor_apart.high
    assert found.steeper.low < 0 < found.steeper.high
    assert "no one factor on size makes the curves one" in found.sentence()
    assert shift(sweep(0), other, floors="one", settings=SETTINGS).verdict == "shallower"


def test_what_lies_below_the_baselines_floor_is_never_reached():
    found = shift(sweep(0), raised(1, -0.04), settings=SETTINGS)
    assert found.verdict == "another floor"
    assert np.isinf(found.multiplier_at.value)
    assert "baseline never comes to its loss at size = 1e+08" in found.sentence()


def test_one_floor_serves_where_the_data_do_not_contradict_it():
    for other in (sweep(1, 2.0), sweep(1, alpha=0.42)):
        found = shift(sweep(0), other, settings=SETTINGS)
        assert not found.own_floors
        assert found.floors[0] == found.floors[1]
        each = shift(sweep(0), other, floors="each", settings=SETTINGS)
        assert each.own_floors
        assert each.floor_apart == found.floor_apart
        assert each.verdict == found.verdict
        assert "with a floor for each" in each.sentence()


def test_a_floor_that_is_known_is_the_floor_of_both():
    settings = FitSettings(bootstrap=200, known={"E": 0.3})
    found = shift(sweep(0), sweep(1, 2.0), settings=settings)
    assert found.floor_apart is None
    assert (found.floors[0].value, found.floors[0].low) == pytest.approx((0.3, 0.3))
    with pytest.raises(Unsupported, match="gives one floor E"):
        shift(sweep(0), sweep(1), floors="each", settings=settings)


def verdicts(pairs, floors="auto"):
    return [shift(*pair, floors=floors, settings=SETTINGS).verdict for pair in pairs]


@pytest.mark.exhaustive
@pytest.mark.slow
def test_alike_pairs_are_seldom_told_apart_and_other_floors_mostly_are():
    """Six rungs of two seeds; the other floor is higher by two per cent."""
    alike = verdicts((sweep(2 * i), sweep(2 * i + 1)) for i in range(40))
    assert alike.count("another floor") <= 4
    assert alike.count("not told apart") >= 35
    far = verdicts((sweep(2 * i), raised(2 * i + 1, 0.006)) for i in range(15))
    assert far.count("another floor") >= 12


def test_too_little_is_refused():
    few = sweep(0).query("size < 1e6")
    with pytest.raises(Unsupported, match="new: comparing curves needs 4 values of size"):
        shift(sweep(0), few, names=("old", "new"))
    with pytest.raises(Unsupported, match="values of flops; it has no column of that name"):
        shift(sweep(0), sweep(1), x="flops")
    free = sweep(1).assign(flops=np.r_[np.arange(11.0) + 1, np.nan])
    with pytest.raises(Unsupported, match="baseline: 1 of 12 rows have no positive flops"):
        shift(free, free, x="flops")
    with pytest.raises(Unsupported, match=r"set fit\.bootstrap"):
        shift(sweep(0), sweep(1), settings=FitSettings(bootstrap=0))
