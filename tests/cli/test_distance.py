"""`scaling distance` as a person meets it."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from scaling.cli.app import app
from scaling.data import assets
from scaling.errors import InputError


def run(*arguments):
    found = CliRunner().invoke(app, ["distance", *map(str, arguments)])
    if found.exception and not isinstance(found.exception, SystemExit):
        raise found.exception
    return found.stdout


@pytest.fixture
def features(tmp_path):
    """Two files of features, a shift apart."""
    rng = np.random.default_rng(0)
    for name, shift in (("real", 0.0), ("generated", 1.0)):
        drawn = rng.normal(size=(300, 5)) + shift
        np.save(tmp_path / f"{name}.npy", drawn.astype(np.float32))
    return tmp_path / "real.npy", tmp_path / "generated.npy"


def test_a_table_with_the_control_beside(features):
    shown = run(*features, "--metrics", "fd,kid")
    first, _, fd, kid, *rest = shown.splitlines()
    assert first == "300 real, 300 generated; features by given features"
    assert fd.startswith("fd ")
    assert abs(float(fd.split()[1]) - 5) < 1
    assert kid.startswith("kid ")
    assert any(line.startswith("note: 300 samples are few") for line in rest)


def test_for_machines(features):
    shown = json.loads(run(*features, "--json"))
    assert shown["values"]["fd_infinite"]["low"] < 5 < shown["values"]["fd_infinite"]["high"]
    assert shown["control"]["fd"]["value"] < 0.3
    assert shown["protocol"]["real_count"] == 300


def test_images_once_and_their_features_again(tmp_path):
    images = assets.read("emoji.npz", ["images"])[0]
    np.save(tmp_path / "a.npy", images[:16])
    np.save(tmp_path / "b.npy", images[-16:])
    shown = run(tmp_path / "a.npy", tmp_path / "b.npy", "--save", tmp_path / "kept", "--json")
    kept = tmp_path / "kept"
    again = run(kept / "real.npz", kept / "generated.npz", "--json")
    assert json.loads(again) == json.loads(shown)
    assert "inception_score" in json.loads(shown)["values"]
    assert json.loads(shown)["protocol"]["network"] == "efficientnet_lite0"


def test_mistakes(features):
    with pytest.raises(InputError, match="did you mean 'kid'"):
        run(*features, "--metrics", "kidd")
    np.save(features[0].with_name("images.npy"), np.zeros((9, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="no network 'inception'; did you mean 'inception_v3'"):
        run(features[0].with_name("images.npy"), features[1], "--network", "inception")
