import subprocess
import sys

import jax
import pytest

from scaling.config.data import EmojiData, MixtureData
from scaling.data.facts import facts


@pytest.mark.parametrize("name", ["emoji", "digits", "mixture"])
def test_facts_are_those_of_the_arrays(name, request):
    source = request.getfixturevalue(name)
    batch = source.held_out(5, 0)
    assert source.facts.size == batch.images.shape[1] == batch.images.shape[2]
    assert source.facts.channels == batch.images.shape[3]
    assert source.facts.caption_length == batch.tokens.shape[1]
    assert source.examples == source.facts.examples


@pytest.mark.parametrize("name", ["emoji", "digits"])
def test_bytes_are_those_that_a_device_holds(name, request):
    source = request.getfixturevalue(name)
    held = sum(leaf.nbytes for leaf in jax.tree.leaves(source.arrays))
    assert source.facts.training_bytes == held


@pytest.mark.parametrize("name", ["emoji", "digits"])
def test_tokens_fill_the_vocabulary_exactly(name, request):
    source = request.getfixturevalue(name)
    tokens = source.arrays.tokens
    assert tokens.min() >= 0
    assert tokens.max() == source.facts.vocabulary - 1
    assert len(tokens) == source.facts.examples


def test_the_longest_caption_fits_without_waste(emoji):
    everything = [emoji.train_sample(10_000, 0).tokens, emoji.held_out(10_000, 0).tokens]
    assert max((tokens > 0).sum(axis=1).max() for tokens in everything) == 12
    assert emoji.facts.caption_length == 12


def test_sizes_and_splits_of_the_shipped_sets(digits):
    # Pinned: another count would mean that runs before and after are not comparable.
    emoji = facts(EmojiData())
    assert (emoji.examples, emoji.held_out, emoji.vocabulary) == (5120, 549, 488)
    assert (digits.facts.examples, digits.facts.held_out) == (1424, 373)
    assert facts(MixtureData()).examples is None


def test_facts_start_without_jax():
    program = (
        "import sys; from scaling.config.data import EmojiData;"
        "from scaling.data.facts import facts;"
        "facts(EmojiData()); assert not {'jax', 'pandas'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
