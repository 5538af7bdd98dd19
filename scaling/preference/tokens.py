"""Names under which a page knows pairs and pictures, and which say nothing of them."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scaling.preference.pair import Pair


class Unknown(Exception):
    """A token that stands for nothing here."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A pair as a page may know it: tokens that say nothing."""

    pair: str
    prompt: str
    left: str
    right: str


class Tokens:
    """A rater's names of pairs and pictures, and what they stand for.

    Keyed digests (HMAC-SHA-256) of rater, pair and side: they cannot be read, differ between pairs
    that share a picture, and outlive the process, which may be killed at any moment.
    """

    def __init__(self, key: bytes, rater: str, pairs: Sequence[Pair]) -> None:
        self.rater = token(key, rater)
        self.shown: dict[str, Shown] = {}
        self._pairs: dict[str, Pair] = {}
        self._pictures: dict[str, tuple[Pair, str]] = {}
        for pair in pairs:
            name, left, right = (token(key, rater, pair.pair, x) for x in ("", "left", "right"))
            self.shown[pair.pair] = Shown(pair=name, prompt=pair.prompt, left=left, right=right)
            self._pairs[name] = pair
            self._pictures[left] = pair, pair.left
            self._pictures[right] = pair, "second" if pair.left == "first" else "first"

    def pair(self, name: str) -> Pair:
        """What a token of a pair stands for; raises Unknown."""
        return find(self._pairs, name)

    def picture(self, name: str) -> tuple[Pair, str]:
        """A pair, and which of its sources; raises Unknown."""
        return find(self._pictures, name)


def token(key: bytes, *parts: str) -> str:
    """32 hexadecimal digits."""
    return hmac.digest(key, "\0".join(parts).encode(), "sha256")[:16].hex()


def find[Key, Value](table: Mapping[Key, Value], key: Key) -> Value:
    """What stands under a key; raises Unknown."""
    try:
        return table[key]
    except KeyError:
        raise Unknown from None
