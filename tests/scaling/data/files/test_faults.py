"""What cannot be used is named and counted, and left out only where that was asked for."""

import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from scaling.config.files import FilesData
from scaling.data import memory
from scaling.data.files import known as files
from scaling.data.source import load
from scaling.errors import InputError
from tests.scaling.data.files import sets

COUNT = 40


pytestmark = pytest.mark.usefixtures("own_cache")


def config(path, **changes) -> FilesData:
    files.forget()
    return FilesData.model_validate({"path": str(path), "size": 8, **changes})


def shortened(path: Path, share: float = 0.5) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])


def check(path, *more):
    from typer.testing import CliRunner

    from scaling.cli.app import app

    files.forget()
    return CliRunner().invoke(app, ["data", "check", str(path), *more])


CUT = {
    "webdataset": ("000001.tar", r"000001\.tar.*cut short"),
    "parquet": ("train-00001-of-00002.parquet", r"train-00001-of-00002\.parquet.*damaged"),
    "arrow": ("data-00000-of-00001.arrow", r"data-00000-of-00001\.arrow.*cut short after row"),
    "tfrecord": ("set-train.tfrecord-00001-of-00002", r"00001-of-00002: record 10.*cut short"),
    "arrayrecord": ("set.array_record-00000-of-00001", r"set\.array_record.*damaged or cut short"),
}


@pytest.mark.parametrize("kind", CUT)
def test_a_shard_cut_short_is_named(tmp_path, kind):
    sets.FORMATS[kind](tmp_path / "set", sets.told(COUNT))
    name, complaint = CUT[kind]
    shortened(tmp_path / "set" / name)
    with pytest.raises(ValidationError, match=complaint):
        config(tmp_path / "set", conditions="captions")
    if kind == "arrayrecord":  # its only file has its table of contents at the end
        return
    left = config(tmp_path / "set", conditions="captions", on_error="skip")
    assert left.left_out >= 1
    assert 0 < load(left).facts.examples < COUNT


def broken_set(root: Path) -> None:
    """With an image cut short, one in CMYK, one empty, and one that is text."""
    sets.sidecars(root, sets.told(COUNT))
    stream = io.BytesIO()
    Image.fromarray(np.full((300, 300, 3), 90, np.uint8)).save(stream, "JPEG")
    (root / "cut.jpg").write_bytes(stream.getvalue()[:700])
    stream = io.BytesIO()
    Image.new("CMYK", (20, 20), (0, 255, 255, 0)).save(stream, "JPEG")
    (root / "cmyk.jpg").write_bytes(stream.getvalue())
    (root / "empty.png").write_bytes(b"")
    (root / "text.png").write_bytes(b"not an image")
    for name in ("cut", "cmyk", "empty", "text"):
        (root / f"{name}.txt").write_text(f"a {name} thing")


def test_an_unknown_bad_image_ends_training_with_what_to_do(tmp_path, monkeypatch):
    broken_set(tmp_path / "set")
    (tmp_path / "set" / "empty.png").unlink()
    data = config(tmp_path / "set")
    told = r"(cut\.jpg|text\.png) cannot be decoded .*run `scaling data check .*on_error skip"
    with pytest.raises(InputError, match=told):
        load(data)
    monkeypatch.setattr(memory, "IN_MEMORY_BYTES", 0)
    source = load(data)
    with pytest.raises(InputError, match=told):
        source.fetch(np.arange(source.examples))
        source.held_out(COUNT, 0)


def test_check_lists_the_bad_and_skip_leaves_them_out(tmp_path):
    broken_set(tmp_path / "set")
    found = check(tmp_path / "set")
    assert found.exit_code == 1
    assert "41 images in 44 files (folder)" in found.output
    assert "cannot be used: 3" in found.output
    for name, reason in {"cut.jpg": "OSError", "empty.png": "is empty", "text.png": "Unid"}.items():
        assert f"{name}: {reason}" in found.output
    assert "8-15: 40, 16-31: 1; smallest 12 x 12" in found.output
    assert "captions: 41, of 3 words (median) to 3" in found.output

    with pytest.raises(ValidationError, match=r"3 of its examples cannot be used: .*on_error"):
        config(tmp_path / "set")
    left = config(tmp_path / "set", on_error="skip")
    assert left.left_out == 3
    source = load(left)
    assert source.examples + source.facts.held_out == 41
    (colour,) = (
        side.images[i]
        for side in (source.train_sample(COUNT + 1, 0), source.held_out(COUNT + 1, 0))
        for i, text in enumerate(source.decode(side.tokens))
        if np.isclose(side.images[i][0, 0], [1, -1, -1], atol=0.1).all()
    )
    assert np.isclose(colour, [1, -1, -1], atol=0.1).all()  # magenta and yellow ink make red


def test_the_decision_does_not_depend_on_where_the_set_lies(tmp_path):
    broken_set(tmp_path / "set")
    shutil.copytree(tmp_path / "set", tmp_path / "copy")
    check(tmp_path / "set")
    one, other = (config(tmp_path / name, on_error="skip") for name in ("set", "copy"))
    assert one.digest == other.digest
    assert load(one).content_hash == load(other).content_hash


def test_a_changed_set_is_no_longer_the_one_of_the_run(tmp_path):
    sets.sidecars(tmp_path / "set", sets.told(COUNT))
    data = config(tmp_path / "set")
    again = data.model_dump()
    files.forget()
    assert FilesData.model_validate(again) == data
    (tmp_path / "set" / "0.txt").write_text("another caption")
    files.forget()
    with pytest.raises(ValidationError, match=f"has changed: its hash is .*, not {data.digest}"):
        FilesData.model_validate(again)


def test_only_changed_files_are_read_again(tmp_path, monkeypatch):
    from scaling.data.files import folder, formats

    sets.sidecars(tmp_path / "set", sets.told(COUNT))
    read = []

    def counted(path, *more):
        read.append(path.name)
        return folder.scan(path, *more)

    kind = formats.FORMATS["folder"]._replace(scan=counted)
    monkeypatch.setitem(formats.FORMATS, "folder", kind)
    config(tmp_path / "set")
    assert len(read) == COUNT
    (tmp_path / "set" / "new.png").write_bytes(sets.png(sets.pictures(COUNT + 1)[-1]))
    (tmp_path / "set" / "new.txt").write_text("a new one")
    config(tmp_path / "set")
    assert read[COUNT:] == ["new.png"]


def test_a_missing_caption_is_named(tmp_path):
    sets.sidecars(tmp_path / "set", sets.told(COUNT))
    (tmp_path / "set" / "7.txt").unlink()
    with pytest.raises(
        ValidationError, match=r"1 of its examples cannot be used: 7\.png: has no c"
    ):
        config(tmp_path / "set")
    assert config(tmp_path / "set", on_error="skip").left_out == 1
    assert config(tmp_path / "set", conditions="none").left_out == 0


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"path": "nowhere"}, r"path 'nowhere' does not exist \(in "),
        ({"format": "parquet"}, "no files of parquet among its 80 files"),
        ({"conditions": "labels"}, r"40 of its examples cannot be used: .*has no label"),
        ({"conditions": "embeddings"}, "read from data.conditions_file: name one"),
        ({"held_out": 0.0001}, "leaves none of 40 to the held-out images"),
        ({"sise": 3}, "Extra inputs"),
    ],
)
def test_mistakes_are_told(tmp_path, changes, complaint):
    sets.sidecars(tmp_path / "set", sets.told(COUNT))
    with pytest.raises(ValidationError, match=complaint):
        FilesData.model_validate({"path": str(tmp_path / "set"), "size": 8, **changes})


def test_several_formats_in_one_place_must_be_told_apart(tmp_path):
    sets.sidecars(tmp_path / "set", sets.told(COUNT))
    sets.webdataset(tmp_path / "set", sets.told(COUNT))
    with pytest.raises(ValidationError, match="40 of folder and 3 of webdataset: say"):
        config(tmp_path / "set")
    assert config(tmp_path / "set", format="webdataset").format == "webdataset"


def test_long_captions_are_cut_where_a_length_is_given(tmp_path):
    told = [
        (content, f"{caption} number {i % 3}")
        for i, (content, caption) in enumerate(sets.told(COUNT))
    ]
    sets.webdataset(tmp_path / "set", told, kind="json")
    assert load(config(tmp_path / "set")).facts.caption_length == 5
    source = load(config(tmp_path / "set", caption_length=2, words=3))
    assert source.facts.caption_length == 2
    assert source.facts.vocabulary == 5
    assert source.encode(["a red square number 2"]).shape == (1, 2)


def test_what_check_says_for_machines(tmp_path):
    sets.parquet(tmp_path / "set", sets.told(COUNT))
    found = check(tmp_path / "set", "--json")
    assert found.exit_code == 0
    told = json.loads(found.output)
    assert told["examples"] == COUNT
    assert told["faults"] == []
    assert told["hashes"]["captions"] == config(tmp_path / "set").digest


MANIFEST = """\
data: {{source: files, path: {}, size: 8, on_error: skip}}
model: {{rung: 20k, patch_size: 4}}
train: {{steps: 1000, batch_size: 8}}
sweep: {{grid: {{seed: [0, 1]}}}}
"""


def notices(place):
    from sweeps.manifest import loads

    files.forget()
    return loads(MANIFEST.format(place)).notices


def test_skipping_what_nobody_looked_for_is_said(tmp_path):
    sets.sidecars(tmp_path / "set", sets.told(COUNT))
    (told,) = notices(tmp_path / "set")
    assert f"run `scaling data check {tmp_path / 'set'}` first" in told
    assert check(tmp_path / "set").exit_code == 0
    assert notices(tmp_path / "set") == ()
