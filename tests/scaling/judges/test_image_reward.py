"""What an ONNX file of ImageReward is given, against a second reading of its package."""

import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from scaling.config.judge_sections import OnnxJudge
from scaling.errors import InputError
from scaling.measure.judges import onnx
from scaling.measure.judges.judge import Side

CAPTIONS = (
    "A red heart, noto emoji",
    "a heartless  HEART!",
    "unknown wörds",
    "",
    " ".join(["heart"] * 60),
)
WORDS = ["a", "red", "heart", "##less", ",", "!", "no", "##to", "em", "##oj", "##i", "word", "##s"]
NUMBERS = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103}
VOCABULARY = NUMBERS | {word: 1037 + 7 * k for k, word in enumerate(WORDS)}


def tokenizer_file(folder, vocabulary=VOCABULARY):
    """As `tokenizers` writes bert-base-uncased, of a small vocabulary."""
    library = pytest.importorskip("tokenizers", reason="the extra `clip` is not installed")
    found = library.Tokenizer(library.models.WordPiece(vocabulary, unk_token="[UNK]"))
    found.normalizer = library.normalizers.BertNormalizer(lowercase=True)
    found.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    marks = [(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")]
    found.post_processor = library.processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=marks
    )
    path = folder / "tokenizer.json"
    found.save(str(path))
    return str(path)


def their_tokens(caption):
    """BERT's: lower case without accents, words and marks apart, longest pieces first; 35 long."""
    plain = caption.lower().replace("ö", "o")
    pieces = []
    for word in re.findall(r"\w+|[^\w\s]", plain):
        found, rest, before = [], word, ""
        while rest:
            known = (rest[:end] for end in range(len(rest), 0, -1))
            piece = next((p for p in known if before + p in VOCABULARY), None)
            if piece is None:
                found = ["[UNK]"]
                break
            found.append(before + piece)
            rest, before = rest[len(piece) :], "##"
        pieces += found
    numbers = [101, *(VOCABULARY[piece] for piece in pieces[:33]), 102]
    return numbers + [0] * (35 - len(numbers)), [1] * len(numbers) + [0] * (35 - len(numbers))


def their_pixels(image):
    """Resize(224, BICUBIC), CenterCrop(224), ToTensor and Normalize, as torchvision has them."""
    picture = Image.fromarray(image)
    width, height = picture.size
    new = (224, int(224 * height / width)) if width <= height else (int(224 * width / height), 224)
    picture = picture.resize(new, Image.Resampling.BICUBIC)
    top, left = (round((side - 224) / 2.0) for side in (new[1], new[0]))
    picture = picture.crop((left, top, left + 224, top + 224))
    tensor = np.asarray(picture, np.float64).transpose(2, 0, 1) / 255
    mean = np.array([0.48145466, 0.4578275, 0.40821073])[:, None, None]
    return (tensor - mean) / np.array([0.26862954, 0.26130258, 0.27577711])[:, None, None]


class Session:
    """Takes what ImageReward takes, scores nothing, and remembers it."""

    def __init__(self):
        self.given = []

    def get_inputs(self):
        shapes = {
            "pixel_values": (["n", 3, 224, 224], "tensor(float)"),
            "input_ids": (["n", 35], "tensor(int64)"),
            "attention_mask": (["n", 35], "tensor(int64)"),
        }
        return [SimpleNamespace(name=k, shape=s, type=t) for k, (s, t) in shapes.items()]

    def run(self, _, given):
        self.given.append(given)
        return [np.zeros(len(given["pixel_values"]), np.float32)]


def config(tmp_path, **given):
    (tmp_path / "reward.onnx").write_bytes(b"program")
    asked = {"name": "onnx", "preset": "image_reward", "file": str(tmp_path / "reward.onnx")}
    return OnnxJudge(**{**asked, **given})


@pytest.mark.parametrize("shape", [(48, 48), (37, 61), (300, 226)])
def test_it_is_given_what_its_package_gives_it(tmp_path, monkeypatch, shape):
    session = Session()
    monkeypatch.setattr(onnx, "opened", lambda path: session)
    images = np.random.default_rng(0).integers(0, 256, (5, *shape, 3), dtype=np.uint8)
    judge = onnx.judge(config(tmp_path, tokenizer=tokenizer_file(tmp_path)))
    side = Side(images=images, captions=CAPTIONS)
    judge.compare(side, side, np.arange(5, dtype=np.int32))
    found = {name: value[:5] for name, value in session.given[0].items()}
    expected = np.stack([their_pixels(image) for image in images])
    np.testing.assert_allclose(found["pixel_values"], expected, atol=2e-6)
    numbers, mask = (np.array(told) for told in zip(*map(their_tokens, CAPTIONS), strict=True))
    np.testing.assert_array_equal(found["input_ids"], numbers)
    np.testing.assert_array_equal(found["attention_mask"], mask)
    assert judge.name == "image_reward"


def test_another_tokenizer_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx, "opened", lambda path: Session())
    path = tokenizer_file(tmp_path, VOCABULARY | {"a": 5})
    with pytest.raises(InputError, match="not that of bert-base-uncased: 'A' should become"):
        onnx.judge(config(tmp_path, tokenizer=path))


def test_a_preset_is_the_settings_it_stands_for(tmp_path):
    found = config(tmp_path)
    assert (found.tokens, found.size, found.judge) == (35, 224, "image_reward")
    assert config(tmp_path, called="mine").judge == "mine"
    assert OnnxJudge.model_validate(json.loads(found.model_dump_json())) == found
    assert "preset" not in OnnxJudge(name="onnx", file=found.file).model_dump()
    with pytest.raises(ValidationError, match="tokens: image_reward takes 35, not 77"):
        config(tmp_path, tokens=77)
