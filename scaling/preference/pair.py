"""Two pictures to be compared."""

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b
from typing import Literal

from scaling.preference.pictures import Pictures

type Kind = Literal["generated_real", "models", "control", "check"]
type Side = Literal["first", "second"]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two sources to be compared for one prompt; `left` is the one shown there.

    Of two real pictures the second is that of the prompt `other_id`.
    """

    pair: str
    kind: Kind
    prompt: str
    prompt_id: str
    first: str
    second: str
    left: Side = "first"
    other_id: str = ""

    def to_json(self) -> str:
        """One line of pairs.jsonl."""
        told = asdict(self)
        return json.dumps({k: v for k, v in told.items() if k != "other_id" or v})


def pair_id(kind: str, prompt_id: str, first: str, second: str, other: str = "") -> str:
    """The name of a pair, the same whenever it is drawn."""
    text = "\0".join((kind, prompt_id, first, second, other))
    return blake2b(text.encode(), digest_size=8).hexdigest()


def pair_for(
    pictures: Pictures, kind: Kind, i: int, first: str, second: str, salt: str = ""
) -> Pair:
    """The pair of two sources for the i-th prompt; `salt` tells those apart that are alike."""
    prompt_id = pictures.ids[i]
    name = pair_id(kind, prompt_id, first, second, salt)
    return Pair(
        pair=name,
        kind=kind,
        prompt=pictures.captions[i],
        prompt_id=prompt_id,
        first=first,
        second=second,
    )
