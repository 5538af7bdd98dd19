"""Captions as numbers by the tokenizer that a published network was trained with (extra `clip`)."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from scaling.config.judge_files import tokenizer_files
from scaling.errors import InputError
from scaling.measure.features.clip_text import END, START

WORDS = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
"""What a caption falls into before its pieces are joined: that of OpenAI's release of CLIP."""
BERT_A = (101, 1037, 102)
"""[CLS], a and [SEP] in the vocabulary of bert-base-uncased (Devlin et al. 2019)."""
PADDING = ("[PAD]", "<pad>", END)

Tokens = Int64[np.ndarray, "n t"]


def tokenizer(path: Path) -> Any:
    """A Tokenizer of a tokenizer.json, or CLIP's of a vocab.json and merges.txt.

    InputError where it cannot be read, and without the library `tokenizers`.
    """
    try:
        library: Any = import_module("tokenizers")
    except ImportError:
        raise InputError(
            "to read captions a judge needs tokenizers: pip install 'diffusion-scaling[clip]'"
        ) from None
    files = tokenizer_files(path)
    try:
        return library.Tokenizer.from_file(str(files[0])) if len(files) == 1 else byte_pairs(*files)
    except Exception as error:  # the library raises plain Exception
        raise InputError(f"tokenizer '{path}' cannot be read: {error}") from None


def byte_pairs(vocabulary: Path, merges: Path) -> Any:
    """CLIP's own: lower case, bytes joined in pairs (Sennrich et al. 2016), the word's end marked.

    As OpenCLIP and transformers have it, but for the mending of broken Unicode.
    """
    library: Any = import_module("tokenizers")
    models, splits, before = library.models, library.pre_tokenizers, library.normalizers
    pairs = models.BPE.from_file(
        str(vocabulary), str(merges), end_of_word_suffix="</w>", unk_token=END
    )
    found = library.Tokenizer(pairs)
    found.normalizer = before.Sequence(
        [before.NFC(), before.Replace(library.Regex(r"\s+"), " "), before.Lowercase()]
    )
    found.pre_tokenizer = splits.Sequence(
        [
            splits.Split(library.Regex(WORDS), "removed", invert=True),
            splits.ByteLevel(add_prefix_space=False),
        ]
    )
    start, end = ((name, found.token_to_id(name)) for name in (START, END))
    if None in (start[1], end[1]):
        raise InputError(f"'{vocabulary}' has no {START} or no {END}, as CLIP's has")
    found.post_processor = library.processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[start, end]
    )
    return found


def encode(tokenizer: Any, captions: Sequence[str], length: int) -> tuple[Tokens, Tokens]:
    """Tokens, and a mask that is 1 where there are any; what is longer is cut before its end."""
    fill = padding(tokenizer)
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=length)
    tokens = np.full((len(captions), length), fill, np.int64)
    mask = np.zeros_like(tokens)
    for row, caption in enumerate(tokenizer.encode_batch(list(captions))):
        tokens[row, : len(caption.ids)] = caption.ids
        mask[row, : len(caption.ids)] = 1
    return tokens, mask


def padding(tokenizer: Any) -> int:
    """The number that stands where a caption has ended."""
    if tokenizer.padding is not None:
        return int(tokenizer.padding["pad_id"])
    known = (tokenizer.token_to_id(name) for name in PADDING)
    return next((number for number in known if number is not None), 0)


def for_bert(path: Path) -> Any:
    """The tokenizer of bert-base-uncased; InputError for another's."""
    found = tokenizer(path)
    if (told := found.encode("A").ids) != list(BERT_A):
        raise InputError(
            f"tokenizer '{path}' is not that of bert-base-uncased: 'A' should become "
            f"{list(BERT_A)}, and becomes {told}"
        )
    return found


def for_clip(path: Path, vocabulary: int) -> Any:
    """A tokenizer that ends captions as CLIP's does; InputError for another's."""
    found = tokenizer(path)
    tokens = found.encode("a").ids
    ends = found.token_to_id(END)
    if not tokens or ends is None or tokens[-1] != ends or ends != vocabulary - 1:
        raise InputError(
            f"tokenizer '{path}' is not CLIP's: a caption should end with {END}, number "
            f"{vocabulary - 1}, and 'a' becomes {tokens}"
        )
    return found
