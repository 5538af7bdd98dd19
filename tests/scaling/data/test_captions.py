import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling.data.captions import PADDING, UNKNOWN, build_vocabulary, words
from scaling.errors import InputError

NAMES = ("red apple", "green apple", "red heart", "lemon")


def vocabulary():
    return build_vocabulary(NAMES, always=(", noto emoji",), length=4)


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("Flag: Germany, noto emoji", ["flag", "germany", "noto emoji"]),
        (
            "clock face one-thirty, fluent 3d emoji",
            ["clock", "face", "one", "thirty", "fluent 3d emoji"],
        ),
        ("côte d’ivoire flag", ["côte", "d", "ivoire", "flag"]),
        ("keycap: *, twemoji emoji", ["keycap", "twemoji emoji"]),
        ("antigua & barbuda", ["antigua", "barbuda"]),
        ("", []),
    ],
)
def test_words_and_one_token_of_style(caption, expected):
    assert words(caption) == expected


def test_a_word_of_one_concept_is_unknown():
    known = vocabulary()
    assert set(known.words) == {"red", "apple", "noto emoji"}
    tokens = known.encode(["Green apple, noto emoji", "lemon", "zebra"])
    apple, style = known.tokens["apple"], known.tokens["noto emoji"]
    assert tokens.tolist() == [
        [UNKNOWN, apple, style, PADDING],
        [UNKNOWN, PADDING, PADDING, PADDING],
        [UNKNOWN, PADDING, PADDING, PADDING],
    ]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(["red", "apple", "noto emoji"]), max_size=4))
def test_known_words_survive_the_round_trip(chosen):
    known = vocabulary()
    assert known.decode(known.encode([", ".join(chosen)])) == [" ".join(chosen)]


def test_a_caption_too_long_is_an_error_not_a_cut():
    with pytest.raises(InputError, match="has 5 words; this data set's captions have 4"):
        vocabulary().encode(["red red red red red"])


def test_every_training_word_of_two_concepts_has_a_token(emoji):
    tokens = np.asarray(emoji.arrays.tokens)
    assert (tokens == UNKNOWN).any()  # so the unknown token is trained
    assert set(range(1, emoji.facts.vocabulary)) <= set(tokens.ravel().tolist())
