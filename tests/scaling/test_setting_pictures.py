"""Pictures of each run under every setting of inference: which they are, and that they stay."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from scaling.config import RunConfig, run_id
from scaling.costs import counts, sampling_flops
from scaling.data.source import load
from scaling.measure.draws import Draws
from scaling.measure.setting_pictures import SettingPictures
from scaling.preference import pictures, settings
from tests.scaling.conftest import rows_of
from tests.scaling.test_inference import GRID, trying
from tests.scaling.test_sample_metrics import cohort_of

PAIRS = {"samples": 24, "judges": []}
KEEP = 20


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))


def keeping(keep: int = KEEP, **changes) -> RunConfig:
    return trying({**GRID, "keep": keep}, **{"measure__preference": PAIRS, **changes})


def test_a_run_that_keeps_none_is_what_it_was_before_there_was_anything_to_keep():
    plain = trying(GRID, measure__preference=PAIRS)
    assert run_id(plain) == run_id(keeping(0)) != run_id(keeping())
    assert "keep" not in keeping(0).model_dump()["measure"]["distances"]["inference"]
    assert RunConfig.model_validate(keeping().model_dump(mode="json")) == keeping()
    assert sampling_flops(plain) == sampling_flops(keeping(0))
    of_a_caption = (2 + 4 + 4 + 8) * counts(plain).forward_flops
    assert sampling_flops(keeping()) == sampling_flops(plain) + KEEP * of_a_caption


@pytest.mark.parametrize(
    ("inference", "pairs", "said"),
    [
        ({"keep": 3}, PAIRS, r"list two or more, e\.g\. inference\.guidance_scale: \[1, 2\]"),
        ({**GRID, "keep": 30}, PAIRS, "measure.preference.samples is 24; raise that, or keep few"),
        ({**GRID, "keep": 20}, {"samples": 0}, "measure.preference.samples is 0"),
        ({**GRID, "keep": 20}, {**PAIRS, "sampling": {"steps": 9}}, "preference.sampling out"),
    ],
)
def test_pictures_that_nothing_stands_beside_are_refused(inference, pairs, said):
    with pytest.raises(ValidationError, match=said):
        trying(inference, measure__preference=pairs)


def test_a_run_keeps_them_for_the_pairs_that_people_see_and_an_attempt_takes_them_over(train):
    """The fixed setting, 4 steps unguided, is one of them: its pictures are those of the pairs."""
    config = keeping()
    (directory,), _ = train(config)
    kept = settings.load("run", directory / "samples" / "settings-24.npz")
    pairs = pictures.load({"run": directory / "samples" / "preference-24.npz"})
    names = [item.name for item in config.measure.distances.inference.settings]
    assert list(kept.generated) == [f"run@{name}" for name in names]
    assert (kept.captions, kept.ids) == (pairs.captions[:KEEP], pairs.ids[:KEEP])
    np.testing.assert_array_equal(kept.real, pairs.real[:KEEP])
    fixed = kept.generated["run@steps=4 guidance_scale=1"]
    apart = np.abs(fixed.astype(int) - pairs.generated["run"][:KEEP])
    assert apart.max() <= 1 and np.mean(apart != 0) < 0.01
    for name in names:
        told = kept.protocols[f"run@{name}"]["sampling"]
        assert f"steps={told['steps']} guidance_scale={told['guidance_scale']:g}" == name
        assert told["seed"] == config.measure.distances.seed
    # Whoever comes after a finished measurement draws nothing anew.
    again = train(config, earlier=[directory])[0][0]
    one, other = (where / "samples" / "settings-24.npz" for where in (directory, again))
    assert one.read_bytes() == other.read_bytes()


def test_what_is_not_finite_is_left_out():
    config = keeping()

    def draw(setting, _, seed, count):
        assert (seed, count) == (config.measure.distances.seed, KEEP)
        images = np.full((2, count, 8, 8, 3), setting.changes["steps"] / 8, np.float32)
        images[1] = np.nan
        if setting.name == "steps=2 guidance_scale=2":
            images[0, 3] = np.inf
        yield images

    made = SettingPictures(config, load(config.data), draw)
    good, bad = made.archives(lambda _: None)
    assert good is not None and bad is None
    assert good["settings"] == [
        "steps=2 guidance_scale=1",
        "steps=4 guidance_scale=1",
        "steps=4 guidance_scale=2",
    ]
    assert np.unique(good["images"][0]).size == 1
    assert [json.loads(told)["sampling"]["steps"] for told in good["protocols"]] == [2, 4, 4]
    assert not SettingPictures(keeping(0), load(config.data), draw).due(last=True)


@pytest.mark.slow
def test_keeping_pictures_changes_no_measurement(train):
    (plain,), _ = train(trying(GRID, measure__preference=PAIRS))
    (keeps,), _ = train(keeping())
    assert rows_of(plain) == rows_of(keeps)
    assert not (plain / "samples" / "settings-24.npz").exists()


@pytest.mark.slow
def test_widths_are_kept_under_the_weights_that_they_stand_for(train):
    """An average made from snapshots gives other pictures; the first of train.ema the same."""
    grid = {"ema_width": [None, 0.05], "samples": 24, "keep": KEEP}
    config = trying(grid, measure__preference=PAIRS)
    (directory,), _ = train(config)
    kept = settings.load("run", directory / "samples" / "settings-24.npz")
    fixed, other = kept.generated.values()
    pairs = pictures.load({"run": directory / "samples" / "preference-24.npz"})
    assert np.abs(fixed.astype(int) - pairs.generated["run"][:KEEP]).max() <= 1
    assert np.mean(fixed != other) > 0.1
    assert [told["weights"] for told in kept.protocols.values()] == ["ema_0.1", "ema_0.05"]


def test_draws_of_a_smaller_count_are_the_first_of_a_larger():
    config = keeping()
    source, parameters = load(config.data), cohort_of(config)
    (setting, *_) = config.measure.distances.inference.settings
    draws = Draws(config, source)
    few = np.concatenate(list(draws(setting, parameters, 0, 5)), axis=1)
    many = np.concatenate(list(draws(setting, parameters, 0)), axis=1)
    assert few.shape[1] == 5 and many.shape[1] == config.measure.distances.samples
    np.testing.assert_allclose(few, many[:, :5], atol=1e-4)
