"""Networks by name: whose weights a person brings, and a person's own."""

import hashlib
import pickle
from dataclasses import asdict
from importlib import import_module

import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError
from safetensors.numpy import save_file

from scaling.config.distances import DistanceConfig
from scaling.errors import InputError
from scaling.measure.features import clip, dinov2, inception_v3, protocol
from scaling.measure.features.named import PUBLISHED, ROOM, SHIPPED, file_of, named
from scaling.measure.features.network import IMAGES_AT_ONCE, extract
from tests.models.small import public_weights

TABLES = {"clip": clip.TOWERS, "dinov2": dinov2.TOWERS, "inception_v3": inception_v3.RESIZES}
SMALL = {"width": 32, "depth": 2, "heads": 4, "patch": 7, "pixels": 21}
IMAGES = np.random.default_rng(0).integers(
    0, 256, size=(IMAGES_AT_ONCE + 3, 30, 40, 3), dtype=np.uint8
)


@pytest.fixture
def small_clip(monkeypatch):
    """CLIP's B/32 and DINOv2's B/14, but tiny."""
    monkeypatch.setitem(clip.TOWERS, "clip_b32", clip.TOWERS["clip_b32"]._replace(**SMALL))
    monkeypatch.setitem(clip.FEATURES, SMALL["width"], 12)
    tower = dinov2.TOWERS["dinov2_b14"]._replace(**SMALL)
    monkeypatch.setitem(dinov2.TOWERS, "dinov2_b14", tower)


def test_every_name_has_its_row():
    named_in_tables = {name for table in TABLES.values() for name in table}
    assert named_in_tables == set(PUBLISHED)
    for name, about in PUBLISHED.items():
        assert name in TABLES[about.module]
        assert import_module(f"{ROOM}.{about.module}").network


def test_clip_from_a_whole_model_of_either_kind(small_clip, tmp_path):
    arrays = public_weights(clip.openai(clip.TOWERS["clip_b32"], 12))
    text = {"transformer.resblocks.0.ln_1.weight": np.ones(3, np.float32)}
    path = tmp_path / "whole.safetensors"
    save_file(arrays | text, path)
    network = named(f"clip_b32={path}")
    features, logits = extract(network, IMAGES)
    assert logits is None
    assert features.shape == (len(IMAGES), 12)
    some = [5, 2, IMAGES_AT_ONCE + 1]
    assert_allclose(extract(network, iter(IMAGES[some]))[0], features[some], atol=1e-5)
    np.savez(tmp_path / "whole.npz", **arrays, **text)
    again, _ = extract(named(f"clip_b32={tmp_path / 'whole.npz'}"), IMAGES)
    assert_allclose(again, features, atol=1e-6)
    recorded = asdict(protocol.of(network))
    assert recorded["network"] == "clip_b32"
    assert recorded["network_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert recorded["resize"] == "PIL bicubic of the shorter side, 8-bit, middle cropped"


def test_dinov2_from_its_place_in_the_cache(small_clip, monkeypatch, tmp_path):
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path))
    with pytest.raises(InputError, match="there is no file") as told:
        named("dinov2_b14")
    place = file_of("dinov2_b14")
    for part in (str(place), "https://dl.fbaipublicfiles.com/dinov2", "dinov2_b14=FILE"):
        assert part in str(told.value)
    arrays = public_weights(dinov2.entries(dinov2.TOWERS["dinov2_b14"], dinov2.GRID))
    place.parent.mkdir()
    save_file(arrays | {"mask_token": np.zeros((1, 32), np.float32)}, place)
    features, _ = extract(named("dinov2_b14"), IMAGES)
    assert features.shape == (len(IMAGES), 32)
    assert_allclose(extract(named("dinov2_b14"), IMAGES[-1:])[0], features[-1:], atol=1e-5)


def test_other_weights_are_told_by_key_and_shape(small_clip, tmp_path):
    path = tmp_path / "weights.safetensors"
    arrays = public_weights(clip.openai(clip.TOWERS["clip_b32"], 12))
    save_file(arrays | {"visual.extra": np.zeros(1, np.float32)}, path)
    with pytest.raises(InputError, match=r"network 'clip_b32'.*unknown: visual.extra"):
        named(f"clip_b32={path}")
    save_file({key: array for key, array in arrays.items() if key != "visual.proj"}, path)
    with pytest.raises(InputError, match=r"missing: visual\.proj"):
        named(f"clip_b32={path}")
    save_file(arrays | {"visual.proj": np.zeros((32, 13), np.float32)}, path)
    with pytest.raises(InputError, match=r"visual.proj has \(32, 13\), not \(32, 12\)"):
        named(f"clip_b32={path}")


@pytest.mark.parametrize("name", ["inception_v3", "dinov2_b14", "clip_l14"])
def test_a_pickle_is_never_read(tmp_path, name):
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps({}))
    with pytest.raises(InputError, match=r"pickle.*weights_only=True.*weights.safetensors"):
        named(f"{name}={path}")


OWN = """
import numpy as np
from scaling.measure.features.network import Network

def colours():
    apply = lambda pixels: (pixels.mean((1, 2)),)
    return Network(name="colours", sha256="1", size=4, apply=apply)

def nothing():
    return 3
"""


def test_a_network_of_ones_own_is_one_function(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    features, _ = extract(named(f"{file}:colours"), IMAGES)
    assert_allclose(features, IMAGES.mean((1, 2)), atol=6)
    assert file_of(f"{file}:colours") == file
    for function, told in {"none": "has no function 'none'", "nothing": "not int"}.items():
        with pytest.raises(InputError, match=told):
            named(f"{file}:{function}")
    with pytest.raises(InputError, match=r"needs the file '.*other.py', which there is not"):
        named(f"{tmp_path / 'other.py'}:colours")


def test_a_file_may_be_pinned_to_its_hash(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    for digits in (digest, digest[:8]):
        assert named(f"{file}:colours@{digits}").name == "colours"
        config = DistanceConfig.model_validate({"network": f"{file}:colours@{digits}"})
        assert config.digest == digest[:12]
    file.write_text(OWN + "\n")
    with pytest.raises(InputError, match=f"is [0-9a-f]{{64}}, not {digest[:8]}: it is another"):
        named(f"{file}:colours@{digest[:8]}")
    with pytest.raises(ValidationError, match=r"network: .* it is another file"):
        DistanceConfig.model_validate({"network": f"{file}:colours@{digest}"})
    with pytest.raises(ValidationError, match=r"network: .* published at .*: put them at"):
        DistanceConfig.model_validate({"network": f"clip_b32=none.npz@{digest}"})
    with pytest.raises(InputError, match="is shipped here, and needs no file"):
        named(f"{SHIPPED}@{digest}")


def test_names_that_there_are_not():
    with pytest.raises(InputError, match="did you mean 'inception_v3'"):
        named("inception_v4")
    with pytest.raises(InputError, match=f"there are: {SHIPPED}, inception_v3, .*clip_l14"):
        named("x")
    assert file_of(SHIPPED) is None
    with pytest.raises(InputError, match=r"'clip_b32' needs its weights.*no file 'a\.onnx'"):
        named("clip_b32=a.onnx")
