"""Judges whose weights a manifest names: found by hash, refused by name, and said where to get."""

import pytest
from safetensors.numpy import save_file

from scaling import weights
from scaling.config import RunConfig, run_id
from scaling.data.source import load
from scaling.errors import InputError
from scaling.measure import preference
from scaling.measure.features import clip, clip_text
from scaling.measure.judges import tokens
from scaling.measure.preference import PreferenceMeter
from tests.scaling.conftest import tiny
from tests.scaling.judges.small_clip import FEATURES, IMAGE, TEXT, Words, arrays
from tests.scaling.pictures_network import network


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """A manifest's judge, of small towers under a published name."""
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(preference, "shipped", network)
    monkeypatch.setattr(tokens, "tokenizer", lambda path: Words())
    for name in ("clip_b32", "openclip_h14"):
        monkeypatch.setitem(clip.TOWERS, name, IMAGE)
        monkeypatch.setitem(clip_text.TOWERS, name, TEXT)
    monkeypatch.setitem(clip.FEATURES, IMAGE.width, FEATURES)
    folder = tmp_path / "cache" / "networks"
    (folder / "clip_tokenizer").mkdir(parents=True)
    (folder / "clip_tokenizer" / "tokenizer.json").write_text("{}")
    return folder


def asked(*judges) -> RunConfig:
    return tiny(
        data={"source": "digits"},
        measure__preference={"samples": 32, "judges": list(judges)},
        measure__samples={"count": 0},
    )


def test_a_manifest_names_a_judge_whose_weights_lie_in_the_cache(on_disk):
    save_file(arrays("transformers"), on_disk / "clip_b32.safetensors")
    save_file(arrays("openai", 2.0), on_disk / "pickscore.safetensors")
    config = asked("clip_score", {"name": "pickscore"})
    assert RunConfig.model_validate(config.model_dump()) == config
    assert run_id(config) == run_id(asked({"name": "clip_score"}, "pickscore"))
    meter = PreferenceMeter(config, load(config.data))
    rows = list(meter.control_rows(24))
    assert [row.metric for row in rows] == ["win_rate_clip_score", "win_rate_pickscore"]
    assert all(abs(row.value - 0.5) < 3 * row.standard_error for row in rows)
    told = [protocol["judge"] for protocol in meter.protocols().values()]
    assert {each["features"]["network_sha256"] for each in told} == {
        weights.digest(on_disk / f"{name}.safetensors") for name in ("clip_b32", "pickscore")
    }
    save_file(arrays("transformers", 3.0), on_disk / "clip_b32.safetensors")
    assert run_id(asked("clip_score", "pickscore")) != run_id(config)
    with pytest.raises(ValueError, match="changed: the hash is"):
        RunConfig.model_validate(config.model_dump())


def test_weights_of_another_network_are_refused_and_pickles_not_read(on_disk):
    wrong = {k: v for k, v in arrays("openai").items() if k != "ln_final.bias"}
    save_file(wrong, on_disk / "clip_b32.safetensors")
    config = asked("clip_score")
    with pytest.raises(InputError, match=r"judge 'clip_score'.*missing: ln_final\.bias"):
        PreferenceMeter(config, load(config.data))
    pickle = on_disk / "HPS_v2_compressed.pt"
    pickle.write_bytes(b"\x80\x02}q\x00.")
    config = asked({"name": "hps_v2", "weights": str(pickle)})
    with pytest.raises(InputError, match=r"\['state_dict'\].*HPS_v2_compressed\.safetensors"):
        PreferenceMeter(config, load(config.data))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("clip_score", r"no file '.*clip_b32\.safetensors'.*openai/clip-vit-base-patch32: put it"),
        ({"name": "hps_v2_1"}, r"'.*hps_v2_1\.safetensors'.*huggingface\.co/xswu/HPSv2"),
        ({"name": "pickscore", "weights": "a.safetensors"}, r"'a\.safetensors'.*`weights: PATH`"),
        ("pickscor", "no judge 'pickscor'; did you mean 'pickscore'"),
        ({"name": "clip"}, "no judge 'clip'"),
        ({"name": "clip_score", "network": "b32"}, "clip_l14_336"),
        ("brisque", "allmodel"),
    ],
)
def test_what_is_missing_is_named_with_where_it_is_published(on_disk, given, said):
    with pytest.raises(ValueError, match=said):
        asked(given)


def test_a_tokenizer_that_is_missing_is_named(on_disk):
    save_file(arrays("openai"), on_disk / "clip_b32.safetensors")
    (on_disk / "clip_tokenizer" / "tokenizer.json").unlink()
    with pytest.raises(ValueError, match=r"needs a tokenizer.*clip_tokenizer/vocab\.json"):
        asked("clip_score")
