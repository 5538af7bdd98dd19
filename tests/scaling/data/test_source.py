import jax
import jax.numpy as jnp
import numpy as np
import pytest

from models.diffusion.process import variance_preserving
from scaling.config.data import AugmentConfig, EmojiData, MixtureData
from scaling.data.emoji import area_average
from scaling.data.facts import catalogue
from scaling.data.source import load
from scaling.data.split import is_held_out

PLAIN = AugmentConfig(flip=False, shift=0, hue=0)


@pytest.fixture(scope="module")
def plain():
    return load(EmojiData(augment=PLAIN))


def test_sixteen_pixels_are_the_rounded_mean_of_four():
    images = np.random.default_rng(0).integers(0, 256, (3, 6, 8, 3), np.uint8)
    means = images.reshape(3, 3, 2, 4, 2, 3).mean((2, 4))
    assert (area_average(images) == np.floor(means + 0.5)).all()
    pixels = catalogue(EmojiData()).pixels()
    assert (pixels == area_average(catalogue(EmojiData(size=32)).pixels())).all()


def test_most_emoji_leave_all_corners_white():
    corners = catalogue(EmojiData()).pixels()[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 255).all((1, 2)).mean() > 0.75


def test_without_augmentation_training_images_are_those_of_the_file(plain):
    index = jnp.arange(0, 5120, 37)
    batch = jax.jit(plain.draw)(plain.arrays, jax.random.key(0), index)
    known = catalogue(EmojiData())
    rows = known.training[index]
    assert (np.rint((np.asarray(batch.images) + 1) * 127.5) == known.pixels()[rows]).all()
    assert (batch.tokens == known.vocabulary.encode([known.captions[i] for i in rows])).all()


@pytest.mark.parametrize("name", ["plain", "digits"])
def test_samples_are_of_the_right_split(name, request):
    source = request.getfixturevalue(name)
    trained = {image.tobytes() for image in np.asarray(source.arrays.images)}

    def originals(examples):
        return [x.tobytes() for x in np.rint((examples.images + 1) * 127.5).astype(np.uint8)]

    assert all(image in trained for image in originals(source.train_sample(200, 0)))
    assert not any(image in trained for image in originals(source.held_out(200, 0)))


@pytest.mark.parametrize("name", ["emoji", "digits", "mixture"])
def test_draws_depend_on_key_and_index_alone(name, request):
    source = request.getfixturevalue(name)
    draw, index = jax.jit(source.draw), jnp.arange(7, dtype=jnp.int32)
    one, again, other = (draw(source.arrays, jax.random.key(seed), index) for seed in (0, 0, 1))
    assert (one.images == again.images).all()
    assert (one.images == other.images).all() == (name == "digits")
    assert one.images.dtype == jnp.float32
    assert one.tokens.shape == (7, source.facts.caption_length)


def test_many_runs_can_draw_from_the_same_arrays(emoji):
    keys = jax.random.split(jax.random.key(0), 3)
    index = jnp.arange(12, dtype=jnp.int32).reshape(3, 4)
    together = jax.jit(jax.vmap(emoji.draw, (None, 0, 0)))(emoji.arrays, keys, index)
    draw = jax.jit(emoji.draw)
    for run in range(3):
        alone = draw(emoji.arrays, keys[run], index[run])
        np.testing.assert_allclose(together.images[run], alone.images, atol=1e-6)


def test_digits_are_captioned_by_their_word(digits):
    words = "zero one two three four five six seven eight nine".split()  # noqa: SIM905
    assert digits.decode(digits.encode(words)) == words
    assert digits.default_captions(3, 7) == ["seven", "eight", "nine"]
    assert digits.decode(np.asarray(digits.arrays.tokens)[:3]) != [""] * 3
    assert not digits.is_held_out("seven")


def test_default_captions_mix_training_and_held_out_concepts(emoji):
    captions = emoji.default_captions(24, 0)
    assert captions == emoji.default_captions(32, 0)[:24]
    assert captions != emoji.default_captions(24, 1)
    assert len(set(captions)) == 24
    marks = [emoji.is_held_out(caption) for caption in captions]
    assert marks == [i % 4 == 3 for i in range(24)]
    assert marks == [is_held_out(caption.rpartition(", ")[0], 0.1) for caption in captions]
    tokens = emoji.encode(captions)
    assert not (tokens == 1).any()  # every word is known
    assert {caption.rpartition(", ")[2] for caption in captions} == {
        "noto emoji",
        "twemoji emoji",
        "fluent 3d emoji",
    }
    assert len(emoji.default_captions(3000, 0)) == 3000  # more than there are


def test_a_concept_that_training_never_met_is_held_out(emoji):
    assert emoji.is_held_out("a purple giraffe")
    assert not emoji.is_held_out("Red apple, noto emoji")


def test_mixture_draws_have_the_moments_of_the_mixture():
    source = load(MixtureData(size=4, components=3, deviation=0.3))
    index = jnp.zeros(60_000, jnp.int32)
    images = np.asarray(source.draw(source.arrays, jax.random.key(0), index).images).reshape(
        60_000, -1
    )
    means = np.asarray(source.arrays.means).reshape(3, -1)
    np.testing.assert_allclose(images.mean(0), means.mean(0), atol=4 * 0.6 / np.sqrt(60_000))
    covariance = np.cov(means.T, bias=True) + 0.3**2 * np.eye(16)
    np.testing.assert_allclose(np.cov(images.T), covariance, atol=0.02)


def test_mixture_evaluation_sets_come_from_other_streams(mixture):
    held_out, train = mixture.held_out(50, 0), mixture.train_sample(50, 0)
    assert held_out.ids.tolist() == list(range(50))
    assert not np.isclose(held_out.images, train.images).all((1, 2, 3)).any()
    assert (held_out.tokens == 0).all()
    assert mixture.encode(["", "anything"]).tolist() == [[0], [0]]


def test_the_denoiser_beats_its_neighbours(mixture):
    # On fresh data the closed form has the least error: scaling it up or down makes it worse.
    x0 = jnp.asarray(mixture.held_out(2000, 0).images)
    log_snr = jnp.full(len(x0), 1.0)
    noise = jax.random.normal(jax.random.key(0), x0.shape)
    z = jnp.sqrt(jax.nn.sigmoid(1.0)) * x0 + jnp.sqrt(jax.nn.sigmoid(-1.0)) * noise
    best = mixture.denoiser(variance_preserving(), z, log_snr)
    errors = [float(jnp.mean((scale * best - x0) ** 2)) for scale in (0.97, 1.0, 1.03)]
    assert errors[1] < min(errors[0], errors[2])
    assert errors[1] < float(jnp.mean((z - x0) ** 2))
