"""Files are whole or absent, whatever happens; torn lines are dropped and said."""

import errno
import json
import os

import pytest

from scaling.errors import InputError
from sweeps.store import writing


def fail_with(code):
    def fsync(_):
        raise OSError(code, os.strerror(code))

    return fsync


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, monkeypatch):
    path = tmp_path / "sweep.json"
    writing.write(path, "old")
    monkeypatch.setattr(os, "fsync", fail_with(errno.ENOSPC))
    with pytest.raises(InputError, match=r"sweep.json: the disk is full"):
        writing.write(path, "new")
    with pytest.raises(InputError, match="the disk is full"):
        writing.publish(tmp_path / "result.json", "new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == "old"


def test_other_errors_of_the_system_are_not_disguised(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "fsync", fail_with(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        writing.write(tmp_path / "a", "b")


def test_the_first_publisher_wins(tmp_path):
    path = tmp_path / "result.json"
    assert writing.publish(path, "first")
    assert not writing.publish(path, "second")
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("cut", range(1, 30, 7))
def test_a_torn_last_line_is_dropped_and_said(tmp_path, cut):
    path = tmp_path / "rows.jsonl"
    rows = [{"value": i, "text": "ä" * 9} for i in range(5)]
    whole = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(whole[:-cut])
    found, dropped = writing.read_lines(path)
    assert found == rows[:-1]
    assert dropped.startswith(f"{path}: dropped a torn last line of ")


def test_whole_and_absent_files_drop_nothing(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"a": 2}\n')
    assert writing.read_lines(tmp_path / "a.jsonl") == ([{"a": 1}, {"a": 2}], None)
    assert writing.read_lines(tmp_path / "b.jsonl") == ([], None)
    (tmp_path / "c.jsonl").write_text("")
    assert writing.read_lines(tmp_path / "c.jsonl") == ([], None)


def test_damage_in_the_middle_is_an_error_with_its_line(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"a": 1}\n{"a"\n{"a": 3}\n')
    with pytest.raises(InputError, match=r"a.jsonl:2: not valid JSON"):
        writing.read_lines(tmp_path / "a.jsonl")
