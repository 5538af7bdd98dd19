"""One set of pictures, kept in any format, is one stream of training examples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from pydantic import ValidationError

from scaling.config.files import FilesData
from scaling.data import memory
from scaling.data.feed import Feed, Places
from scaling.data.files import known as files
from scaling.data.source import load
from tests.scaling.data.files import sets

COUNT = 64


pytestmark = pytest.mark.usefixtures("own_cache")


def streamed(monkeypatch):
    monkeypatch.setattr(memory, "IN_MEMORY_BYTES", 0)


def config(path, **changes) -> FilesData:
    given = {"path": str(path), "size": 8, "held_out": 0.2, "conditions": "captions"}
    return FilesData.model_validate({**given, **changes})


def stream(data: FilesData, steps: int = 10) -> list:
    """What training is given, from seed 0, by the threads that read ahead."""
    source = load(data)
    feed = Feed(
        source.fetch,
        seeds=np.zeros(1, np.int32),
        batch=8,
        examples=source.examples,
        first=0,
        end=steps,
        here=Places(np.arange(1), np.arange(8)),
        threads=3,
        ahead=4,
    )
    given = [leaf[0].reshape(-1, *leaf.shape[3:]) for leaf in feed.next(steps)]
    feed.close()
    return given


def same_stream(tmp_path, monkeypatch, count, kind):
    streamed(monkeypatch)
    told = sets.told(count, kind)
    found = {}
    for name, write in sets.FORMATS.items():
        write(tmp_path / name, told)
        data = config(tmp_path / name)
        assert data.format == ("folder" if name == "sidecars" else name)
        assert data.left_out == 0
        found[name] = (data.digest, load(data).content_hash, *stream(data))
    first = found["folder"]
    for name, others in found.items():
        assert others[:2] == first[:2], name
        for one, other in zip(first[2:], others[2:], strict=True):
            assert one.dtype == other.dtype
            assert (one == other).all(), name
    return first


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_format_gives_the_same_stream(tmp_path, monkeypatch, kind):
    _, _, images, tokens = same_stream(tmp_path, monkeypatch, COUNT, kind)
    assert images.shape == (80, 8, 8, 3)
    assert (tokens >= 1).all()


@pytest.mark.slow
def test_a_thousand_images_too(tmp_path, monkeypatch):
    same_stream(tmp_path, monkeypatch, 1000, "JPEG")


def test_keys_of_an_npz_are_one_text_for_each_image(tmp_path):
    images = np.stack(sets.pictures(COUNT))
    for keys in (np.arange(COUNT), np.array(["a"])):
        np.savez(tmp_path / "set.npz", images=images, keys=keys)
        files.forget()
        with pytest.raises(ValidationError, match=r"set\.npz: keys .* is not text \[64\]"):
            config(tmp_path / "set.npz", conditions="none")


def test_pixels_of_an_npz_are_those_of_its_pngs(tmp_path, monkeypatch):
    streamed(monkeypatch)
    sets.folder(tmp_path / "folder", sets.told(COUNT))
    images, captions = np.stack(sets.pictures(COUNT)), np.array(sets.captions(COUNT))
    np.savez(tmp_path / "set.npz", images=images, captions=captions)

    def every(path):
        data = config(path)
        source = load(data)
        sides = [source.held_out(COUNT, 0), source.train_sample(COUNT, 0)]
        pairs = {
            (x.tobytes(), text)
            for side in sides
            for x, text in zip(side.images, source.decode(side.tokens), strict=True)
        }
        return data, pairs

    (npz, of_npz), (_, of_folder) = every(tmp_path / "set.npz"), every(tmp_path / "folder")
    assert npz.format == "npz"
    assert of_npz == of_folder
    assert len(of_npz) == COUNT


def test_names_of_files_decide_nothing_and_one_more_image_moves_no_other(tmp_path, monkeypatch):
    streamed(monkeypatch)
    told = sets.told(COUNT)
    sets.webdataset(tmp_path / "one", told[:-1])
    sets.webdataset(tmp_path / "other", told[-2::-1])  # other shards, other names
    sets.webdataset(tmp_path / "more", told)
    one, other, more = (config(tmp_path / name) for name in ("one", "other", "more"))
    assert one.digest == other.digest != more.digest
    sides = [
        dict(zip((e.key for e in k.selection.examples), k.in_training, strict=True))
        for k in map(files.known, (one, more))
    ]
    assert sides[0].items() <= sides[1].items()
    larger = files.known(config(tmp_path / "one", held_out=0.5)).in_training
    assert not (larger & ~files.known(one).in_training).any()


def test_held_in_memory_or_streamed_a_source_draws_the_same_bits(tmp_path, monkeypatch):
    sets.folder(tmp_path / "set", sets.told(COUNT))
    data = config(tmp_path / "set", augment={"flip": True, "shift": 2})
    inside = load(data)
    streamed(monkeypatch)
    outside = load(data)
    assert inside.fetch is None
    assert outside.arrays == ()
    assert inside.content_hash == outside.content_hash
    index, key = jnp.arange(20), jax.random.key(3)
    one = jax.jit(inside.draw)(inside.arrays, key, index)
    other = jax.jit(outside.draw)(outside.arrays, key, outside.fetch(np.arange(20)))
    assert (one.images == other.images).all()
    assert (one.tokens == other.tokens).all()
    assert one.images.shape == (20, 8, 8, 3)
    assert all(
        (a == b).all() for a, b in zip(inside.held_out(9, 0), outside.held_out(9, 0), strict=True)
    )


def test_random_windows_are_cut_from_the_image_around(tmp_path):
    """Each training image is a window of what was read, mirrored or not; held-out ones central."""
    sets.folder(tmp_path / "set", sets.told(16))
    data = config(tmp_path / "set", augment={"flip": True, "shift": 2})
    source = load(data)
    whole = np.asarray(source.arrays.images)
    seen = set()
    drawn = source.draw(source.arrays, jax.random.key(0), jnp.zeros(60, jnp.int32))
    for image in np.rint((np.asarray(drawn.images) + 1) * 127.5):
        places = [
            (y, x, flip)
            for y in range(5)
            for x in range(5)
            for flip in (1, -1)
            if (whole[0, y : y + 8, x : x + 8][:, ::flip] == image).all()
        ]
        assert len(places) == 1
        seen.add(places[0])
    assert {y for y, _, _ in seen} == {x for _, x, _ in seen} == set(range(5))
    assert {flip for _, _, flip in seen} == {1, -1}


def test_folders_are_classes_where_nothing_else_is_told(tmp_path):
    for row, content in enumerate(map(sets.png, sets.pictures(30))):
        path = tmp_path / "set" / ("cat", "dog", "owl")[row % 3] / f"{row}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    data = config(tmp_path / "set", conditions="auto")
    source = load(data)
    assert data.conditions == "labels"
    assert source.facts.vocabulary == 4
    assert source.encode(["owl", "cat", ""])[:, 0].tolist() == [3, 1, 0]
    assert set(source.decode(np.asarray(source.arrays.tokens))) == {"cat", "dog", "owl"}
    assert sorted(source.default_captions(3, 0)) == ["cat", "dog", "owl"]


def test_facts_read_no_pixels_and_no_jax(tmp_path):
    import subprocess
    import sys

    sets.folder(tmp_path / "set", sets.told(20))
    program = (
        "import sys; from scaling.config import FilesData; from scaling.data.facts import facts;"
        f"facts(FilesData.model_validate({{'path': '{tmp_path}/set', 'size': 8}}));"
        "assert not {'jax', 'grain', 'PIL'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
