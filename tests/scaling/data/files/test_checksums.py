"""TFRecord's checksums: published ones, another library's, and what a flipped bit leads to."""

import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from tensorboardX.crc32c import crc32c as of_another_library
from typer.testing import CliRunner

from scaling.config.files import FilesData
from scaling.data.files import known as files
from scaling.data.files.crc32c import BLOCK, PIECE, crc32c, masked
from scaling.data.files.tfrecord import HEADER, Record, records, verify
from scaling.data.source import load
from tests.scaling.data.files import sets

COUNT, SHARD, PLACE = 40, "set-train.tfrecord-00001-of-00002", 3
NAME = f"{SHARD}: record {PLACE}"
EVENTS = Path(__file__).parents[3] / "analysis" / "data" / "tensorboard"

READ_10 = bytes.fromhex(
    "01c00000000000000000000000000000140000000000040000000014000000182800000000000000"
    "0200000000000000"
)
"""An iSCSI read command, of RFC 3720's examples."""


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(reversed(range(32))), 0x113FDB5C),
        (READ_10, 0xD9963A56),
        (b"123456789", 0xE3069283),
        (b"", 0),
    ],
)
def test_published_checksums(content, expected):
    """RFC 3720, B.4, which prints the bytes in the order that they are sent in."""
    assert crc32c(content) == expected


@given(st.binary(max_size=40 * BLOCK))
def test_another_librarys_checksums(content):
    assert crc32c(content) == of_another_library(content)


@pytest.mark.parametrize("length", [*range(BLOCK - 1, BLOCK + 6), PIECE - 1, PIECE, PIECE + 1])
def test_any_length_is_put_together_rightly(length):
    content = np.random.default_rng(length).bytes(length)
    assert crc32c(content) == crc32c(memoryview(content)) == of_another_library(content)


def test_records_that_others_wrote_have_the_checksums_they_say():
    """TensorBoard's events are kept as TFRecord."""
    written = [path for path in EVENTS.rglob("*tfevents*") if path.stat().st_size]
    count = 0
    for path in written:
        assert list(verify(path)) == []
        for record in records(path):
            assert isinstance(record, Record)
            count += 1
    assert len(written) > 4
    assert count > 20


def test_tfrecord_turns_and_shifts_it():
    """The rotation by 15 and the constant are TensorFlow's, in lib/hash/crc32c.h."""
    rotated = (0xE3069283 >> 15) | (0xE3069283 << 17) & 0xFFFFFFFF
    assert masked(b"123456789") == (rotated + 0xA282EAD8) % 2**32


pytestmark = pytest.mark.usefixtures("own_cache")


def config(path, **changes) -> FilesData:
    files.forget()
    given = {"path": str(path), "size": 8, "conditions": "captions", **changes}
    return FilesData.model_validate(given)


def check(path):
    from scaling.cli.app import app

    files.forget()
    return CliRunner().invoke(app, ["data", "check", str(path)])


def written(root: Path) -> Path:
    """Records of bitmaps, which can be decoded whatever their pixels are; the second file."""
    sets.tfrecord(root, sets.told(COUNT, "BMP"))
    return root / SHARD


def flipped(path: Path, find) -> None:
    """With one bit flipped, where `find` says of a record's bytes and its checksum's."""
    content = bytearray(path.read_bytes())
    start = 0
    for _ in range(PLACE):
        start += HEADER.size + struct.unpack_from("<Q", content, start)[0] + 4
    start += HEADER.size
    length = struct.unpack_from("<Q", content, start - HEADER.size)[0]
    content[start + find(bytes(content[start : start + length + 4]))] ^= 1
    path.write_bytes(content)


FLIPS = {
    "a pixel": lambda record: record.index(b"BM") + 400,
    "a caption": lambda record: record.index(b"caption") + 16,
    "the checksum": lambda record: len(record) - 1,
}


@pytest.mark.parametrize("where", FLIPS)
def test_a_flipped_bit_is_named_and_left_out(tmp_path, where):
    path = written(tmp_path / "set")
    whole = path.read_bytes()
    flipped(path, FLIPS[where])
    assert config(tmp_path / "set").left_out == 0, "nobody looked yet, and all can be decoded"

    found = check(tmp_path / "set")
    assert found.exit_code == 1
    assert f"cannot be used: 1\n    {NAME}: its checksum is not that of its" in found.output
    assert f"{COUNT - 1} images in 2 files" in found.output
    with pytest.raises(ValidationError, match=rf"1 of its examples cannot be used: {NAME}: its"):
        config(tmp_path / "set")
    left = config(tmp_path / "set", on_error="skip")
    assert left.left_out == 1
    source = load(left)
    assert source.examples + source.facts.held_out == COUNT - 1

    path.write_bytes(whole)
    assert config(tmp_path / "set").left_out == 0, "the file is another now"
    assert check(tmp_path / "set").exit_code == 0


def test_what_is_left_out_is_as_if_it_had_not_been_written(tmp_path):
    """The hash is that of the set without it, so runs on either are runs on the same data."""
    told = sets.told(COUNT, "BMP")
    flipped(written(tmp_path / "set"), FLIPS["a pixel"])
    check(tmp_path / "set")
    sets.tfrecord(tmp_path / "rest", [one for i, one in enumerate(told) if i != 2 * PLACE + 1])
    left = config(tmp_path / "set", on_error="skip")
    assert left.digest == config(tmp_path / "rest").digest


def test_a_copy_that_is_whole_is_not_blamed_for_a_damaged_one(tmp_path):
    """A damaged caption leaves the image's hash: what a look found is of the file alone."""
    written(tmp_path / "set")
    shutil.copytree(tmp_path / "set", tmp_path / "copy")
    flipped(tmp_path / "set" / SHARD, FLIPS["a caption"])
    assert check(tmp_path / "set").exit_code == 1
    assert config(tmp_path / "copy").left_out == 0
    assert check(tmp_path / "copy").exit_code == 0
    assert config(tmp_path / "set", on_error="skip").left_out == 1


def test_a_file_that_is_cut_short_too_keeps_both_its_faults(tmp_path):
    path = written(tmp_path / "set")
    flipped(path, FLIPS["a pixel"])
    path.write_bytes(path.read_bytes()[:-10])
    found = check(tmp_path / "set")
    assert f"{NAME}: its checksum" in found.output
    assert f"record {COUNT // 2 - 1}: the file is cut short in it" in found.output
    assert config(tmp_path / "set", on_error="skip").left_out == 2


def test_whole_files_pass(tmp_path):
    written(tmp_path / "set")
    found = check(tmp_path / "set")
    assert found.exit_code == 0
    assert "cannot be used: 0" in found.output
