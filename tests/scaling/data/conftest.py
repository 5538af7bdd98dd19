import pytest

from scaling.config.data import DigitsData, EmojiData, MixtureData
from scaling.data.source import Source, load


@pytest.fixture(scope="session")
def emoji() -> Source:
    return load(EmojiData())


@pytest.fixture(scope="session")
def digits() -> Source:
    return load(DigitsData())


@pytest.fixture(scope="session")
def mixture() -> Source:
    return load(MixtureData())
