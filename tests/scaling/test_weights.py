"""Weights from files: what is read, and what is refused without being opened as what it is."""

import hashlib
import json
import pickle
import struct
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from safetensors.numpy import save_file

from models import Inputs
from models.ladder import Rung
from models.networks.dit.checkpoint import entries, from_public
from models.networks.dit.shape import DiTShape
from scaling.errors import InputError
from scaling.weights import digest, load, read

SHAPE = DiTShape(
    rung=Rung(name="tiny", depth=2, width=8, heads=1),
    inputs=Inputs(size=4, channels=1, vocabulary=3),
    patch_size=2,
    conditioning="class",
)


@pytest.fixture
def arrays():
    random = np.random.default_rng(0)
    return {
        key: random.normal(size=entry.shape).astype(np.float32)
        for key, entry in entries(SHAPE).items()
    }


def leaves(tree):
    for value in tree.values():
        yield from leaves(value) if isinstance(value, dict) else [value]


@pytest.mark.parametrize("kind", ["safetensors", "npz"])
def test_files_of_arrays_are_read(arrays, tmp_path, kind):
    path = tmp_path / f"weights.{kind}"
    if kind == "npz":
        np.savez(path, **arrays)
    else:
        save_file(arrays, path)
    for found, expected in zip(
        leaves(load(path, "dit", SHAPE)), leaves(from_public(arrays, SHAPE)), strict=True
    ):
        assert_array_equal(found, expected)
    assert digest(path) == hashlib.sha256(path.read_bytes()).hexdigest()


def test_bfloat16_is_read(tmp_path):
    values = np.arange(4).astype(ml_dtypes.bfloat16)
    entry = {"a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8]}}
    header = json.dumps(entry).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + values.tobytes())
    assert_array_equal(np.asarray(read(path)["a"], np.float32), np.arange(4))


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.pkl", "w.bin", "w.npz", "w.safetensors", "w"])
@pytest.mark.parametrize("kind", ["pickle", "archive"])
def test_pickles_are_refused_and_never_run(tmp_path, name, kind):
    path, mark = tmp_path / name, tmp_path / "mark"
    trap = pickle.dumps({"a": Trap(mark)})
    if kind == "pickle":
        path.write_bytes(trap)
    else:  # as PyTorch writes them
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("archive/data.pkl", trap)
            archive.writestr("archive/data/0", b"")
    with pytest.raises(InputError, match=r"run any program.*convert it: python -c"):
        read(path)
    assert not mark.exists()
    pickle.loads(trap)
    assert mark.exists()


def test_objects_in_an_archive_of_numpys_are_not_unpickled(tmp_path):
    path, mark = tmp_path / "w.npz", tmp_path / "mark"
    np.savez(path, a=np.array([Trap(mark)], dtype=object))
    with pytest.raises(InputError, match="cannot be read"):
        read(path)
    assert not mark.exists()


def test_faults_of_files_are_named(arrays, tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.npz")
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"nothing that is known")
    with pytest.raises(InputError, match=r"neither a \.safetensors nor a \.npz"):
        read(path)
    path.write_bytes(struct.pack("<Q", 1000) + b"{ cut off")
    with pytest.raises(InputError, match="cannot be read"):
        read(path)
    del arrays["x_embedder.proj.bias"]
    save_file(arrays, path)
    with pytest.raises(InputError, match=r"weights\.safetensors.*missing: x_embedder\.proj\.bias"):
        load(path, "dit", SHAPE)
