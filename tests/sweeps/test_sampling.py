"""Which settings fresh samples are drawn with, and which rung may guide."""

import pytest

from scaling.config import SampleConfig
from scaling.errors import InputError
from sweeps.sampling import changed, guide_among
from tests.sweeps.examples import BASE, SIX, make_store

CHURNED = SampleConfig.model_validate({"sampler": {"name": "heun", "churn": 4.0}, "steps": 9})


def test_changes_apply_to_a_runs_own_settings():
    found = changed(CHURNED, {"steps": 5, "guidance_scale": 1.0})
    assert found == CHURNED.model_copy(update={"steps": 5, "guidance_scale": 1.0})


def test_the_manifests_sampler_keeps_its_parameters_and_another_takes_its_defaults():
    assert changed(CHURNED, {"sampler": "heun"}) == CHURNED
    assert changed(CHURNED, {"sampler": "ddim"}).sampler == SampleConfig().sampler


def test_an_unknown_sampler_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"sampler: .*'huen'.*'heun'"):
        changed(CHURNED, {"sampler": "huen"})


def test_a_guide_is_found_by_its_rung(tmp_path):
    runs = make_store(tmp_path / "s").runs
    assert guide_among(runs, "40k").record["rung"] == "40k"
    with pytest.raises(InputError, match="no finished run of rung 'w21' to guide with; there are"):
        guide_among(runs, "w21")


def test_a_guide_must_predict_what_the_guided_networks_predict(tmp_path):
    text = BASE + ("sweep: {zip: {model.rung: [20k, 40k], diffusion.prediction: [v, epsilon]}}\n")
    runs = make_store(tmp_path / "s", text).runs
    with pytest.raises(InputError, match="rung '20k' cannot guide '40k'"):
        guide_among(runs, "20k")


def test_rungs_of_one_prediction_may_guide_though_their_losses_differ(tmp_path):
    text = SIX.replace("seed: [0, 1]", "diffusion.error: [v, x0]")
    assert guide_among(make_store(tmp_path / "s", text).runs, "20k").record["rung"] == "20k"
