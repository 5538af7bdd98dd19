"""Runs on a file of latents, from the file to the rows and samples."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

from scaling.data import latents, memory
from scaling.data.source import load
from scaling.measure import floor
from scaling.run import Preempted
from tests.scaling.conftest import rows_of, tiny, values_of

SCALE, SHIFT = 0.5, 0.2


def file(path, std=True, n=120):
    """Three classes far apart, and embeddings that tell them."""
    draw = np.random.default_rng(0)
    labels = np.arange(n) % 3
    centres = 2 * draw.normal(size=(3, 8, 8, 4))
    mean = (centres[labels] + 0.3 * draw.normal(size=(n, 8, 8, 4))).astype(np.float16)
    vectors = np.zeros((n, 2, 5), np.float32)
    vectors[np.arange(n), 0, labels] = 1
    spread = np.full_like(mean, 0.5) if std else None
    latents.save(path, mean=mean, std=spread, labels=labels, embeddings=vectors)


def config(path, kind, **changes):
    data = {"source": "latents", "file": str(path), "scale_factor": SCALE, "shift": SHIFT}
    return tiny(data={**data, "conditions": kind, "held_out": 0.2}, **changes)


@pytest.mark.parametrize(
    ("kind", "conditioning"),
    [
        ("labels", "class"),
        pytest.param("embeddings", "pooled", marks=pytest.mark.slow),
    ],
)
def test_runs_on_latents_begin_at_the_known_loss_and_learn(train, tmp_path, kind, conditioning):
    path = tmp_path / "latents.npz"
    file(path)
    same = {"model__conditioning": conditioning, "train__steps": 60}
    still, learning = (
        config(path, kind, **same, train__learning_rate=rate) for rate in (1e-12, 3e-3)
    )
    (first, last), outcomes = train(still, learning)
    assert [outcome.status for outcome in outcomes] == ["finished"] * 2
    before, after = values_of(first), values_of(last)

    # A new network predicts v = 0, whose squared error is alpha^2 + sigma^2 E[x0^2].
    x0 = load(still.data).held_out(24, 0).images
    for level in still.measure.log_snr:
        alpha2 = 1 / (1 + np.exp(-level))
        expected = alpha2 + (1 - alpha2) * np.mean(x0**2)
        found = before[60, "raw", "held_out", "loss", level]
        assert_allclose(found, expected, rtol=0.05)
    key = (60, "raw", "held_out", "loss", -4.0)  # where nearly all is noise, conditions tell most
    assert after[key] < 0.96 * before[key]

    with np.load(last / "samples" / "60.npz") as stored:
        assert "images" not in stored
        assert stored["latents"].shape == (2, 8, 8, 4)
        assert stored["latents"].dtype == np.float16
        words = {"labels": "class", "embeddings": "example"}[kind]
        assert all(str(text).startswith(words) for text in stored["captions"])
    assert {row["metric"] for row in rows_of(last)} >= {"loss", "training_loss"}


def test_streamed_and_stopped_on_the_way_a_run_is_as_in_memory_to_the_bit(
    train, tmp_path, monkeypatch
):
    path = tmp_path / "latents.npz"
    file(path)
    run = config(path, "labels", model__conditioning="class")
    (inside,), _ = train(run)
    monkeypatch.setattr(memory, "IN_MEMORY_BYTES", 0)

    def stop(progress):
        if progress.step >= 10:
            raise Preempted

    with pytest.raises(Preempted):
        train(run, progress=stop)
    (streamed,), _ = train(run, earlier=[tmp_path / "attempt-1"])
    assert values_of(streamed) == values_of(inside)


def test_a_floor_of_streamed_latents_is_as_in_memory_to_the_bit(tmp_path, monkeypatch):
    path = tmp_path / "latents.npz"
    file(path, std=False)
    run = config(path, "labels", measure__floor={"method": "exact"})
    found = []
    for room in (0, 2**30):
        monkeypatch.setattr(memory, "IN_MEMORY_BYTES", room)
        source = load(run.data)
        assert (source.fetch is None) == (room > 0)
        found.append(floor.compute(run, source, source.train_sample(16, 0)))
    np.testing.assert_array_equal(*found)
    monkeypatch.setattr(memory, "FLOOR_BYTES", 0)
    with pytest.raises(ValidationError, match=r"floor\.method 'exact' compares with all training"):
        config(path, "labels", measure__floor={"method": "exact"})


def test_the_floor_of_latents_without_std(tmp_path, monkeypatch):
    """With nothing visible it is the variance of the scaled means, with everything nothing."""
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "latents.npz"
    file(path, std=False)
    for method in ("exact", "nested"):
        asked = {"method": method, "conditional": False}
        run = config(path, "labels", measure__floor=asked, measure__log_snr=[-20.0, 0.0, 16.0])
        source = load(run.data)
        sample = source.train_sample(100, 0)
        found = floor.compute(run, source, sample).mean(0)
        images = SCALE * (np.asarray(source.arrays.images, np.float64) - SHIFT)
        variance = np.mean((images - images.mean(0)) ** 2)
        assert_allclose(found[0], variance, rtol=2e-2 if method == "exact" else 0.2)
        assert found[2] < 1e-6


def test_conditional_floors_of_vectors_are_those_of_the_classes_they_tell(tmp_path):
    path = tmp_path / "latents.npz"
    file(path, std=False)
    found = {}
    for kind in ("labels", "embeddings"):
        run = config(path, kind, measure__floor={"method": "exact"})
        source = load(run.data)
        found[kind] = floor.compute(run, source, source.train_sample(20, 0))
    assert_allclose(found["labels"], found["embeddings"], rtol=1e-5)


def test_training_draws_differ_from_step_to_step_and_from_run_to_run(tmp_path):
    path = tmp_path / "latents.npz"
    file(path)
    source = load(config(path, "labels").data)
    index = jnp.zeros(4, jnp.int32)
    one, other = (source.draw(source.arrays, jax.random.key(k), index).images for k in (0, 1))
    assert not np.isclose(one[0], one[1]).all()
    assert not np.isclose(one, other).all()
