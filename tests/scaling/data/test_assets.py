from pathlib import Path

import pytest

from scaling.config.data import DigitsData, EmojiData
from scaling.data import assets
from scaling.data.facts import facts
from scaling.data.source import load
from scaling.errors import InputError

ASSETS = Path(assets.__file__).parent


def damaged(tmp_path: Path, name: str, how: str) -> Path:
    content = (ASSETS / name).read_bytes()
    half = len(content) // 2
    path = tmp_path / name
    path.write_bytes(
        {
            "empty": b"",
            "truncated": content[:half],
            "text": b"<html>not found</html>",
            "one byte wrong": content[:half] + bytes([content[half] ^ 255]) + content[half + 1 :],
        }[how]
    )
    return path


@pytest.mark.parametrize("how", ["empty", "truncated", "text", "one byte wrong"])
@pytest.mark.parametrize(
    ("name", "config"), [("emoji.npz", EmojiData()), ("digits.npz", DigitsData())]
)
def test_a_damaged_file_is_named_with_its_remedy(tmp_path, name, config, how):
    path = damaged(tmp_path, name, how)
    with pytest.raises(InputError) as error:
        load(config, path)
    assert str(path) in str(error.value)
    assert "git checkout" in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="no such data file"):
        facts(EmojiData(), tmp_path / "emoji.npz")


def test_facts_do_not_read_the_images(tmp_path):
    # The images are the last and by far the largest array, and here they are spoiled.
    path = damaged(tmp_path, "emoji.npz", "one byte wrong")
    assert facts(EmojiData(), path) == facts(EmojiData())


def test_every_licence_is_beside_the_images():
    notice = (ASSETS / "NOTICE.md").read_text()
    for words in (
        "Apache License 2.0",
        "Copyright 2020 Twitter, Inc and other contributors",
        "Copyright (c) Microsoft Corporation",
        "E. Alpaydin and C. Kaynak",
    ):
        assert words in notice
