"""`scaling distance` as a person meets it."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from scaling.cli.app import app
from scaling.data import assets
from scaling.errors import InputError

NETWORK = """
import numpy as np
from scaling.measure.features.network import Network

def colours():
    def apply(pixels):
        return (np.concatenate([pixels.mean((1, 2)), pixels.std((1, 2))], axis=1),)

    return Network(name="colours", sha256="c0", size=8, apply=apply)
"""


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


def test_classes_of_subfolders_are_kept_and_averaged_over(tmp_path):
    images = assets.read("emoji.npz", ["images"])[0]
    for side, first in (("real", 0), ("generated", 40)):
        for i in range(40):
            place = tmp_path / side / ("even" if i % 2 == 0 else "odd") / f"{i:02}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(images[first + i][:16, :16]).save(place)
    (tmp_path / "colours.py").write_text(NETWORK)
    given = "--network", f"{tmp_path / 'colours.py'}:colours", "--metrics", "kid,fd", "--by-class"
    kept = tmp_path / "kept"
    shown = run(tmp_path / "real", tmp_path / "generated", *given, "--save", kept)
    assert "average over 2 classes, each counting alike" in shown
    assert "worst by fd: " in shown
    assert "note: by class, kid: unbiased" in shown
    found = json.loads(run(kept / "real.npz", kept / "generated.npz", *given, "--json"))
    assert set(found["by_class"]["values"]) == {"even", "odd"}
    assert found["by_class"]["counts"]["odd"] == [20, 20]
    assert found["by_class"]["left_out"] == {}
    with pytest.raises(InputError, match=r"REAL .* does not say the class of each image"):
        run(tmp_path / "real" / "odd", tmp_path / "generated", *given)


def test_a_histogram_of_classes_beside_the_distance(tmp_path):
    rng = np.random.default_rng(0)
    for name, share in (("real", 0.5), ("generated", 0.2)):
        classes = (rng.uniform(size=400) < share).astype(int)
        rows = rng.normal(size=(400, 4)) + 3.0 * classes[:, None]
        logits = np.eye(2, dtype=np.float32)[classes]
        np.savez(tmp_path / f"{name}.npz", features=rows.astype(np.float32), logits=logits)
    shown = run(tmp_path / "real.npz", tmp_path / "generated.npz", "--metrics", "fd")
    fd, matched = (line.split() for line in shown.splitlines()[2:4])
    assert matched[0] == "fd_class_matched"
    assert float(matched[1]) < 0.2 * float(fd[1])
    assert "of fd is only how often each of 2 classes is seen:" in shown
    both = run(tmp_path / "real.npz", tmp_path / "generated.npz", "--metrics", "fd", "--top", "2")
    assert "each of 2 classes is seen among the 2 likeliest of a sample:" in both
    left_out = run(tmp_path / "real.npz", tmp_path / "generated.npz", "--metrics", "fd", "--top", 3)
    assert "fd_class_matched is left out: a classifier of 2 classes has no Top-3" in left_out


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_the_line_to_the_limit_is_drawn_alike_every_time(features, suffix):
    first, second = (features[0].with_name(f"{name}{suffix}") for name in "ab")
    for path in (first, second):
        assert f"figure: {path}" in run(*features, "--metrics", "kid", "--figure", path)
    assert first.read_bytes() == second.read_bytes()
    with pytest.raises(InputError, match=r"should end in one of \.pdf, \.svg, \.png"):
        run(*features, "--figure", first.with_suffix(".jpg"))


def test_mistakes(features):
    with pytest.raises(InputError, match="did you mean 'kid'"):
        run(*features, "--metrics", "kidd")
    np.save(features[0].with_name("images.npy"), np.zeros((9, 8, 8, 3), np.uint8))
    with pytest.raises(InputError, match="no network 'inception'; did you mean 'inception_v3'"):
        run(features[0].with_name("images.npy"), features[1], "--network", "inception")
