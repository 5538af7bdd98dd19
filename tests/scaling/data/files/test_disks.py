"""A disk that fails or is full says nothing of what lies in the files."""

import errno
import os
import resource
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from scaling.data.files import reading, tables
from scaling.data.files.index import Index
from scaling.data.source import load
from scaling.errors import InputError
from tests.scaling.data.files import sets
from tests.scaling.data.files.test_faults import COUNT, check, config

EIO = OSError(errno.EIO, os.strerror(errno.EIO))


pytestmark = pytest.mark.usefixtures("own_cache")


def failing(*_):
    raise EIO


@pytest.fixture
def files_up_to():
    """The system refuses longer ones, in the midst of a write."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
def test_a_cache_without_room_makes_no_image_damaged(tmp_path, files_up_to, kind):
    noise = np.random.default_rng(0).integers(0, 256, (10, 64, 64, 3), np.uint8)
    told = [(sets.png(image), "a picture") for image in noise]
    assert min(len(content) for content, _ in told) > 8192  # beyond the buffer of a write
    sets.FORMATS[kind](tmp_path / "set", told)
    files_up_to(40_000)
    with pytest.raises(ValidationError, match=r"the cache cannot keep .*packed.*File too large"):
        config(tmp_path / "set", on_error="skip")
    files_up_to(resource.RLIM_INFINITY)
    assert not list((tmp_path / "cache").rglob("*.bin"))
    data = config(tmp_path / "set", on_error="skip", held_out=0.4)
    assert data.left_out == 0
    assert load(data).examples + load(data).facts.held_out == 10


@pytest.mark.parametrize(
    ("kind", "module", "name"),
    [
        ("sidecars", Path, "read_bytes"),
        ("webdataset", reading, "part"),
        ("tfrecord", reading, "part"),
        ("parquet", tables, "parts_of"),
        ("arrow", tables, "parts_of"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_left_out(tmp_path, monkeypatch, kind, module, name):
    sets.FORMATS[kind](tmp_path / "set", sets.told(COUNT))
    with monkeypatch.context() as broken:
        broken.setattr(module, name, failing)
        with pytest.raises(ValidationError, match=r"cannot be read \(Input/output error\)"):
            config(tmp_path / "set", conditions="captions", on_error="skip")
    assert config(tmp_path / "set", conditions="captions", on_error="skip").left_out == 0


def test_what_a_library_does_not_tell_apart_is_looked_at(tmp_path, monkeypatch):
    """ArrayRecord's has one word for a damaged file and for a disk that fails."""
    sets.arrayrecord(tmp_path / "set", sets.told(COUNT))
    (path,) = (tmp_path / "set").iterdir()
    path.write_bytes(path.read_bytes()[:-70_000])
    with monkeypatch.context() as broken:
        broken.setattr(reading, "through", failing)
        with pytest.raises(ValidationError, match=r"cannot be read \(Input/output error\)"):
            config(tmp_path / "set", conditions="none", on_error="skip")
    with pytest.raises(ValidationError, match="is damaged or cut short"):
        config(tmp_path / "set", conditions="none")


def test_check_lists_no_image_that_could_not_be_read(tmp_path, monkeypatch):
    sets.sidecars(tmp_path / "set", sets.told(COUNT))
    data = config(tmp_path / "set")
    with monkeypatch.context() as broken:
        broken.setattr(Index, "read", failing)
        found = check(tmp_path / "set")
        assert isinstance(found.exception, InputError)
        assert "cannot be read (Input/output error)" in str(found.exception)
        with pytest.raises(InputError, match=r"'.*set: .*png' cannot be read"):
            load(data)
    assert check(tmp_path / "set").exit_code == 0


def test_damage_is_looked_for_again_though_size_and_time_are_the_same(tmp_path):
    sets.webdataset(tmp_path / "set", sets.told(COUNT))
    path = tmp_path / "set" / "000001.tar"
    whole, about = path.read_bytes(), path.stat()

    def written(content):
        path.write_bytes(content)
        os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))

    written(whole[:8192] + b"\xff" * (len(whole) - 8192))
    assert config(tmp_path / "set", conditions="captions", on_error="skip").left_out > 0
    written(whole)
    assert config(tmp_path / "set", conditions="captions", on_error="skip").left_out == 0
