"""BRISQUE: fits against known distributions, libsvm's text by hand, and who is turned away."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.ndimage import gaussian_filter

from scaling.config import RunConfig
from scaling.config.judge_sections import Brisque
from scaling.data.source import load
from scaling.errors import InputError
from scaling.measure.judges import brisque, scene_statistics, support_vectors
from scaling.measure.judges.judge import Side, win_rate
from scaling.measure.preference import PreferenceMeter
from tests.scaling.conftest import tiny

RHO, GAMMA = -20.0, 0.05
VECTORS = {1: (3.0, {1: 0.5, 36: -1.0}), 2: (-2.0, {2: 0.25})}


def scenes(seed, count, side=64, blur=1.0):
    """Smooth random fields in eight bits."""
    noise = np.random.default_rng(seed).normal(size=(count, side, side))
    smooth = np.stack([gaussian_filter(each, blur) for each in noise])
    grey = np.clip(128 + 40 * smooth / smooth.std(), 0, 255).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=3)


@pytest.fixture
def files(tmp_path):
    lines = [f"{c} " + " ".join(f"{i}:{v}" for i, v in x.items()) for c, x in VECTORS.values()]
    head = f"svm_type epsilon_svr\nkernel_type rbf\ngamma {GAMMA}\nnr_class 2\ntotal_sv 2\n"
    (tmp_path / "allmodel").write_text(head + f"rho {RHO}\nSV\n" + "\n".join(lines) + "\n")
    rows = [f"{i + 1} {-i} {2 * i + 1}" for i in range(36)]
    (tmp_path / "allrange").write_text("x\n-1 1\n" + "\n".join(rows) + "\n")
    return tmp_path


@pytest.fixture
def judge(files):
    model, scale = (str(files / name) for name in ("allmodel", "allrange"))
    return brisque.judge(Brisque(name="brisque", model=model, range=scale), 64)


@pytest.mark.parametrize("shape", [0.6, 1.0, 2.0, 4.0])
def test_a_generalised_gaussian_s_shape_is_found(shape):
    x = stats.gennorm.rvs(shape, scale=1.3, size=(500, 400), random_state=0)
    found, variance = scene_statistics.symmetric(x)
    assert found == pytest.approx(shape, rel=0.03)
    assert variance == pytest.approx(stats.gennorm.var(shape, scale=1.3), rel=0.02)


def test_an_asymmetric_one_s_four_numbers_are_found():
    """Left of 0 with probability b_l / (b_l + b_r), each side half a generalised Gaussian."""
    shape, left, right = 0.8, 1.0, 2.0
    rng = np.random.default_rng(1)
    size = np.abs(stats.gennorm.rvs(shape, size=(500, 400), random_state=rng))
    x = np.where(rng.random(size.shape) < left / (left + right), -left * size, right * size)
    found, mean, var_left, var_right = scene_statistics.asymmetric(x)
    unit = stats.gennorm.var(shape)
    assert found == pytest.approx(shape, rel=0.03)
    assert mean == pytest.approx(x.mean(), rel=0.03)
    assert (var_left, var_right) == pytest.approx((unit, 4 * unit), rel=0.04)


def test_half_the_size_keeps_constants_planes_and_the_middle():
    y, x = np.mgrid[:40, :31].astype(float)
    assert_allclose(scene_statistics.halved(np.full((40, 31), 7.0)), np.full((20, 16), 7.0))
    found = scene_statistics.halved(3 * y - x)
    inside = (slice(2, -2), slice(2, -2))
    place = 3 * (2 * np.arange(20)[:, None] + 0.5) - (2 * np.arange(16) + 0.5)
    assert_allclose(found[inside], place[inside])


def test_features_see_blur_and_noise_but_not_the_mirror():
    plain = scenes(0, 1, 96)[0]
    sharp = scene_statistics.features(plain)
    assert sharp.shape == (36,) and np.isfinite(sharp).all()
    soft = scene_statistics.features(scenes(0, 1, 96, blur=3.0)[0])
    assert soft[1] < 0.8 * sharp[1]  # the normalised image varies less
    mirrored = scene_statistics.features(plain[:, ::-1])
    same = [0, 1, *range(2, 10), 18, 19, *range(20, 28)]
    assert_allclose(mirrored[same], sharp[same], atol=2e-3)
    assert_allclose(mirrored[10:14], sharp[14:18], atol=2e-3)  # the diagonals change places
    flat = scene_statistics.features(np.full((64, 64, 3), 255, np.uint8))
    assert np.isfinite(flat).all()


def test_libsvm_s_text_is_the_sum_over_its_support_vectors(files):
    regression = support_vectors.regression(files / "allmodel", 36)
    x = np.random.default_rng(0).normal(size=(4, 36))
    expected = np.full(4, -RHO)
    for weight, entries in VECTORS.values():
        vector = np.zeros(36)
        for index, value in entries.items():
            vector[index - 1] = value
        expected += weight * np.exp(-GAMMA * np.sum((x - vector) ** 2, axis=1))
    assert_allclose(regression(x), expected)
    scale = support_vectors.scale(files / "allrange", 36)
    index = np.arange(36)
    assert_allclose(scale(np.stack([-index, 2.0 * index + 1])), [[-1] * 36, [1] * 36])


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("allmodel", "epsilon_svr", "c_svc", "not c_svc and rbf"),
        ("allmodel", "total_sv 2", "total_sv 3", "2 of 3 support vectors"),
        ("allmodel", "36:-1.0", "37:-1.0", "no model of 36 features"),
        ("allrange", "\n36 -35 71", "", "no range of 36 features"),
        ("allrange", "x\n", "y\n", "begins with 'y'"),
    ],
)
def test_a_file_of_another_kind_is_refused(files, name, old, new, said):
    path = files / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    read = support_vectors.regression if name == "allmodel" else support_vectors.scale
    with pytest.raises(InputError, match=said):
        read(path, 36)


def test_company_does_not_matter_and_real_against_real_is_one_half(judge):
    one, two = (Side(images=scenes(seed, 32), captions=("",) * 32) for seed in (1, 2))
    ids = np.arange(32, dtype=np.int32)
    judged = judge.compare(one, two, ids)
    rate = win_rate(judged)
    assert rate.low <= 0.5 <= rate.high
    assert len(set(judged.generated)) == 32
    order = np.random.default_rng(0).permutation(32)[:7]
    part = Side(images=one.images[order], captions=("",) * 7)
    again = judge.compare(part, part, ids[:7]).generated
    assert_allclose(again, judged.generated[order], atol=1e-9)


def test_small_images_are_turned_away_before_anything_runs(judge, files):
    given = {"name": "brisque", "model": str(files / "allmodel"), "range": str(files / "allrange")}
    config: RunConfig = tiny(
        data={"source": "digits"},
        measure__preference={"samples": 32, "judges": [given]},
        measure__samples={"count": 0},
    )
    with pytest.raises(InputError, match="64 pixels a side or more, and these have 8"):
        PreferenceMeter(config, load(config.data))
    small = Side(images=scenes(0, 2, 40), captions=("", ""))
    with pytest.raises(InputError, match="these have 40"):
        judge.compare(small, small, np.arange(2, dtype=np.int32))
