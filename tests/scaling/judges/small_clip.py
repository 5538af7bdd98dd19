"""CLIP's two towers at a small size, with random weights of the public layouts."""

from types import SimpleNamespace

import numpy as np

from scaling.measure.features import clip, clip_text
from scaling.measure.features.vision_transformer import TextTower
from tests.models.small import public_weights

IMAGE = clip.TOWERS["clip_b32"]._replace(width=32, depth=2, heads=4, patch=7, pixels=21)
TEXT = TextTower(24, 2, 3, IMAGE.activation, context=9, vocabulary=40)
FEATURES = 12
END = TEXT.vocabulary - 1
START = END - 1


def arrays(layout: str, scale: float = 1.5) -> dict[str, np.ndarray]:
    """Of `openai` or `transformers`, with the scale."""
    image = public_weights(getattr(clip, layout)(IMAGE, FEATURES))
    text = public_weights(getattr(clip_text, layout)(TEXT, FEATURES))
    return {**image, **text, "logit_scale": np.array(scale, np.float32)}


class Words:
    """Stands for the library's Tokenizer: a word is the sum of its letters."""

    padding = None

    def no_padding(self):
        pass

    def enable_truncation(self, max_length):
        self.length = max_length

    def token_to_id(self, name):
        return {clip_text.END: END, clip_text.START: START}.get(name)

    def encode(self, text):
        words = [sum(map(ord, word)) % START for word in text.split()]
        return SimpleNamespace(ids=[START, *words[: getattr(self, "length", 99) - 2], END])

    def encode_batch(self, texts):
        return [self.encode(text) for text in texts]
