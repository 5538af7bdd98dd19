"""Files of latents: what is read, what is refused, and what is drawn from them."""

import tracemalloc
import zipfile

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from pydantic import ValidationError

from scaling.config import LatentsData, RunConfig, run_id
from scaling.data import latents, memory, split
from scaling.data.facts import facts
from scaling.data.source import load
from scaling.errors import InputError
from scaling.measure.samples import as_stored
from sweeps.manifest import loads
from sweeps.problems import ManifestError

N, SCALE, SHIFT = 40, 0.5, 0.25


def arrays(seed=0, n=N):
    """All that a file may hold; rows differ in everything but their classes."""
    draw = np.random.default_rng(seed)
    labels = np.arange(n) % 3
    return {
        "mean": (draw.normal(size=(n, 8, 8, 4)) + labels[:, None, None, None]).astype(np.float32),
        "std": draw.uniform(0.5, 2, (n, 8, 8, 4)).astype(np.float32),
        "labels": labels,
        "captions": np.array([f"a drawing of {('cat', 'dog', 'bird')[k]}" for k in labels]),
        "embeddings": draw.normal(size=(n, 5, 6)).astype(np.float16),
        "held_out": np.arange(n) % 4 == 3,
    }


@pytest.fixture
def write(tmp_path):
    """Save a file of the named arrays; give its configuration, with `changes`."""

    def save(*names, n=N, file="latents.npz", **changes):
        every = arrays(n=n)
        latents.save(tmp_path / file, **{name: every[name] for name in ("mean", *names)})
        given = {"source": "latents", "file": str(tmp_path / file), "scale_factor": SCALE}
        return LatentsData.model_validate({**given, "shift": SHIFT, **changes})

    return save


@pytest.mark.parametrize("how", ["savez", "savez_compressed", "fortran"])
def test_files_are_read_as_numpy_reads_them(tmp_path, how):
    given = arrays()
    if how == "fortran":
        given["mean"] = np.asfortranarray(given["mean"])
    path = tmp_path / "x.npz"
    (np.savez_compressed if how == "savez_compressed" else np.savez)(path, **given)
    found = latents.read(path)
    with np.load(path) as theirs:
        for name in theirs:
            assert_array_equal(getattr(found, name), theirs[name])
            assert getattr(found, name).dtype == theirs[name].dtype


def test_a_file_is_not_read_into_memory(tmp_path):
    mean = np.zeros((16384, 8, 8, 4), np.float32)
    latents.save(tmp_path / "large.npz", mean=mean, std=mean)
    tracemalloc.start()
    found = latents.read(tmp_path / "large.npz")
    assert tracemalloc.get_traced_memory()[1] < (found.mean.nbytes + mean.nbytes) / 8
    tracemalloc.stop()


def test_training_draws_have_the_posteriors_mean_and_variance(write):
    source = load(write("std", held_out=0.5))
    row, draws = 7, 20_000
    images = source.draw(source.arrays, jax.random.key(3), jnp.full(draws, row)).images
    mean, std = np.asarray(source.arrays.images[row]), np.asarray(source.arrays.std[row])
    error = SCALE * std / draws**0.5
    assert (abs(images.mean(0) - SCALE * (mean - SHIFT)) < 5 * error).all()
    assert_allclose(images.var(0), (SCALE * std) ** 2, rtol=5 * (2 / draws) ** 0.5)
    again = source.draw(source.arrays, jax.random.key(4), jnp.full(draws, row)).images
    assert not np.isclose(images, again).all()


def test_evaluation_draws_are_standard_normal_and_the_example_s_own(write):
    config = write("std", n=400)
    source, every = load(config), arrays(n=400)
    rows = np.flatnonzero(latents.in_training(config.arrays, config.held_out))
    sample = source.train_sample(1000, 0)
    ids = {int(i): k for k, i in enumerate(sample.ids)}
    order = [ids[int(i)] for i in split.ids(map(str, rows))]
    whitened = sample.images[order] / SCALE + SHIFT - every["mean"][rows]
    whitened = whitened / every["std"][rows]
    count = whitened.size
    assert abs(whitened.mean()) < 5 / count**0.5
    assert abs(whitened.var() - 1) < 5 * (2 / count) ** 0.5
    # Neither the size and seed of a sample nor the split's share changes an example's draw.
    other = load(write("std", n=400, held_out=0.5)).train_sample(20, 9)
    for image, number in zip(other.images, other.ids, strict=True):
        assert_array_equal(image, sample.images[ids[int(number)]])


def test_without_std_every_draw_is_the_mean(write):
    config = write("labels", "held_out")
    source, every = load(config), arrays()
    rows = np.flatnonzero(~every["held_out"])
    batch = source.draw(source.arrays, jax.random.key(0), jnp.arange(len(rows)))
    assert_allclose(batch.images, SCALE * (every["mean"][rows] - SHIFT), rtol=1e-6)
    assert_array_equal(batch.tokens[:, 0], every["labels"][rows] + 1)
    held_out = source.held_out(1000, 0)
    assert len(held_out.ids) == every["held_out"].sum() == facts(config).held_out
    expected = SCALE * (every["mean"][every["held_out"]] - SHIFT)
    assert_allclose(np.sort(held_out.images, axis=0), np.sort(expected, axis=0), rtol=1e-6)


def test_a_larger_share_holds_out_the_same_rows_and_appended_ones_move_none(write):
    few, more = (~latents.in_training(write(n=400).arrays, share) for share in (0.1, 0.3))
    assert few.sum() > 20
    assert (more[few]).all()
    assert 80 < more.sum() < 160
    longer = latents.in_training(write(n=500, file="longer.npz").arrays, 0.3)
    assert_array_equal(~longer[:400], more)


def test_classes_are_numbers_from_1_and_embeddings_are_those_of_their_row(write):
    every = arrays()
    classes = load(write("labels", "embeddings", conditions="labels"))
    assert classes.facts.vocabulary == 4
    assert classes.facts.embedding_width == 0
    assert_array_equal(classes.encode(["class 0", "", "class 2"]), [[1], [0], [3]])
    assert classes.decode(np.array([[1], [0], [3]])) == ["class 0", "", "class 2"]
    assert sorted(classes.default_captions(3, 5)) == ["class 0", "class 1", "class 2"]

    config = write("labels", "embeddings", "captions", conditions="embeddings")
    vectors = load(config)
    about = vectors.facts
    assert (about.vocabulary, about.caption_length, about.embedding_width) == (1, 5, 6)
    found = vectors.encode(["example 17", "", *vectors.default_captions(6, 0)])
    assert_array_equal(found[0], every["embeddings"][17].astype(np.float32))
    assert (found[1] == 0).all()
    for text, vector in zip(vectors.default_captions(6, 0), found[2:], strict=True):
        number, _, caption = text.removeprefix("example ").partition(": ")
        assert caption == every["captions"][int(number)]
        assert_array_equal(vector, every["embeddings"][int(number)].astype(np.float32))
    rows = np.flatnonzero(latents.in_training(config.arrays, config.held_out))
    batch = vectors.draw(vectors.arrays, jax.random.key(0), jnp.arange(4))
    assert batch.tokens.dtype == jnp.float32
    assert_array_equal(batch.tokens, every["embeddings"][rows[:4]].astype(np.float32))


def test_captions_are_words_and_no_conditions_are_none(write):
    source = load(write("captions"))
    tokens = source.encode(["a drawing of cat", "a drawing of dog"])
    assert (tokens[0] != tokens[1]).sum() == 1
    assert source.decode(tokens) == ["a drawing of cat", "a drawing of dog"]
    bare = load(write())
    assert_array_equal(bare.encode(["", ""]), [[0], [0]])
    with pytest.raises(InputError, match="no conditions"):
        bare.encode(["a cat"])


def test_samples_are_stored_as_the_vae_decodes_them(write):
    config = RunConfig.model_validate(
        {"data": write().model_dump(), "model": {"rung": "20k"}, "train": {"steps": 200}}
    )
    mean = arrays()["mean"]
    stored = as_stored(config, np.asarray(load(config.data).to_x0(mean)))
    assert stored.dtype == np.float16
    assert_allclose(stored, mean, rtol=2e-3, atol=1e-3)


def test_the_hashes_cover_means_stds_conditions_and_split(write):
    names = ["std", "labels", "embeddings", "captions", "held_out"]
    every = arrays()
    first = write(*names, conditions="labels")
    digests, contents = {first.digest}, {load(first).content_hash}
    for name in ["mean", *names]:
        changed = {k: v.copy() for k, v in every.items()}
        last = changed[name][-2]
        changed[name][-2] = ~last if name == "held_out" else "?" if name == "captions" else 0
        assert (changed[name] != every[name]).any(), name
        path = first.file.replace("latents", name)
        latents.save(path, **changed)
        config = LatentsData(file=path, scale_factor=SCALE, conditions="labels")
        digests.add(config.digest)
        contents.add(load(config).content_hash)
    assert len(digests) == len(contents) == 7
    rescaled = first.model_copy(update={"scale_factor": 1.0})
    assert load(rescaled).content_hash not in contents


def test_a_changed_file_is_another_run(write):
    def config(data):
        parts = {"data": data, "model": {"rung": "20k"}, "train": {"steps": 200}}
        return RunConfig.model_validate(parts)

    before = config(write("labels").model_dump())
    assert config({"source": "latents", "file": before.data.file, "scale_factor": SCALE,
                   "shift": SHIFT}) == before  # fmt: skip
    after = config(write("labels", "std").model_dump())
    assert run_id(before) != run_id(after)
    with pytest.raises(ValidationError, match="has changed: its hash is"):
        config(before.data.model_dump())


MANIFEST = """\
data:
  source: latents
  file: {file}
  scale_factor: 0.18215
model: {{rung: 20k, patch_size: 2}}
train: {{steps: 200}}
"""


def put(name, *place, value):
    """One number of an array changed."""

    def change(given):
        given[name][place] = value

    return change


CHANGES = {
    "no mean": lambda given: given.pop("mean"),
    "mistyped": lambda given: given.update(stds=given.pop("std")),
    "channels first": lambda given: given.update(mean=given["mean"].transpose(0, 3, 1, 2)),
    "std of another shape": lambda given: given.update(std=given["std"][:, :4]),
    "float64": lambda given: given.update(mean=given["mean"].astype(np.float64)),
    "too few labels": lambda given: given.update(labels=given["labels"][:5]),
    "real labels": lambda given: given.update(labels=given["labels"] / 2),
    "labels from -1": lambda given: given.update(labels=given["labels"] - 1),
    "nan": put("mean", 17, 3, 3, 0, value=np.nan),
    "infinity": put("mean", 0, 7, 7, 3, value=-np.inf),
    "negative std": put("std", 21, 3, 3, 0, value=-1e-3),
    "objects": lambda given: given.update(captions=np.array(["a"] * N, object)),
    "everything held out": put("held_out", slice(None), value=True),
    "two kinds": lambda given: given.update(captions=arrays()["captions"]),
}
DAMAGES = {
    "truncated": lambda content, half: content[:half],
    "one byte wrong": lambda content, half: (
        content[:half] + bytes([content[half] ^ 255]) + content[half + 1 :]
    ),
    "no npz": lambda content, half: b"<html>not found</html>",
}


def broken(path, name):
    """Write a file with one mistake."""
    given = {k: v for k, v in arrays().items() if k not in ("captions", "embeddings")}
    CHANGES.get(name, lambda given: None)(given)
    np.savez(path, **given)
    if name in DAMAGES:
        content = path.read_bytes()
        path.write_bytes(DAMAGES[name](content, len(content) // 2))
    if name == "missing":
        path.unlink()


MISTAKES = {
    "missing": "does not exist (in ",
    "truncated": "is truncated, damaged, or no .npz",
    "one byte wrong": "is truncated, damaged, or no .npz (bad CRC-32 for",
    "no npz": "is truncated, damaged, or no .npz (File is not a zip file)",
    "no mean": "mean is missing; the file has held_out, labels, std",
    "mistyped": "stds is no array of a latents file; did you mean 'std'?",
    "channels first": "mean must be [n, h, w, c] with h = w and two rows or more, "
    "not [40, 4, 8, 8]; mean.transpose(0, 2, 3, 1) is",
    "std of another shape": "std must be [40, 8, 8, 4], as mean, not [40, 4, 8, 4]",
    "float64": "mean must be float16 or float32, not float64",
    "too few labels": "labels must be integers [n] with n = 40, as mean, not int64 [5]",
    "real labels": "labels must be integers [n] with n = 40, as mean, not float64 [40]",
    "labels from -1": "labels must count classes from 0, without -1",
    "nan": "mean[17] has NaN or infinity; mend or leave out that row",
    "negative std": "std[21] has NaN, infinity or a negative number",
    "infinity": "mean[0] has NaN or infinity",
    "objects": "captions holds Python objects; save text as np.array(captions, dtype=str)",
    "everything held out": "held_out must hold out some rows and keep some to train on",
    "two kinds": "conditions must say which to use; the file has labels, captions",
}


@pytest.mark.parametrize("name", MISTAKES)
def test_mistakes_in_a_file_are_told_before_anything_runs(tmp_path, name):
    path = tmp_path / "mine.npz"
    broken(path, name)
    with pytest.raises(ManifestError) as error:
        loads(MANIFEST.format(file=path))
    assert len(error.value.problems) == 1
    problem = error.value.problems[0]
    where = (2, "data.conditions") if name == "two kinds" else (3, "data.file")
    assert problem.path == where[1]
    assert problem.line in (where[0], 1)
    assert MISTAKES[name] in problem.message
    assert name == "two kinds" or str(path) in problem.message
    assert len(problem.message) < 400 + len(str(path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("measure: {likelihood: {bound: true}}", "measure.likelihood is in bits per dimension"),
        ("measure: {floor: {method: exact}}", "these latents are drawn anew at every step"),
        ("measure: {samples: {captions: [class 3]}}", "write 'class 0' to 'class 2'"),
        ("  held_out: 0.001", "held_out 0.001 leaves none of 40 rows to the held-out examples"),
        ("  conditions: embeddings", "conditions 'embeddings' are not in the file; it has labels"),
    ],
)
def test_what_latents_cannot_is_told_before_anything_runs(write, line, message):
    text = MANIFEST.format(file=write("std", "labels").file)
    given = text.replace("model:", f"{line}\nmodel:") if line[0] == " " else text + line
    with pytest.raises(ManifestError) as error:
        loads(given)
    assert [message in p.message or message in f"{p.path} {p.message}" for p in
            error.value.problems] == [True], error.value  # fmt: skip


def test_what_save_refuses_leaves_no_file(tmp_path):
    with pytest.raises(InputError, match="mean must be float16 or float32"):
        latents.save(tmp_path / "x.npz", mean=np.zeros((4, 8, 8, 4)))
    assert list(tmp_path.iterdir()) == []


def test_stored_members_need_no_room_for_an_index(tmp_path):
    """A file whose arrays were added one by one with `zipfile` is mapped just the same."""
    every = arrays()
    path = tmp_path / "by hand.npz"
    with zipfile.ZipFile(path, "w") as members:
        for name in ("labels", "mean"):
            with members.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, every[name])
    assert_array_equal(latents.read(path).mean, every["mean"])


@pytest.mark.parametrize("names", [("labels",), ("std", "captions"), ("std", "embeddings")])
def test_held_or_streamed_latents_are_drawn_to_the_same_bits(write, monkeypatch, names):
    config = write(*names, "held_out", conditions=names[-1])
    inside = load(config)
    stored = sum(leaf.nbytes for leaf in jax.tree.leaves(inside.arrays))
    assert inside.facts.training_bytes == stored
    monkeypatch.setattr(memory, "IN_MEMORY_BYTES", stored - 1)
    outside = load(config)
    assert inside.fetch is None
    assert outside.arrays == ()
    assert inside.content_hash == outside.content_hash
    index, key = np.array([7, 2, 2, 19]), jax.random.key(3)
    examples = outside.fetch(index)
    assert all(isinstance(leaf, np.ndarray) for leaf in jax.tree.leaves(examples))
    one = jax.jit(inside.draw)(inside.arrays, key, jnp.asarray(index))
    other = jax.jit(outside.draw)(outside.arrays, key, examples)
    assert_array_equal(one.images, other.images)
    assert_array_equal(one.tokens, other.tokens)
    assert_array_equal(inside.held_out(5, 0).images, outside.held_out(5, 0).images)
