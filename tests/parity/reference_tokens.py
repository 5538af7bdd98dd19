"""CLIP's tokenizer by OpenCLIP, and by transformers from files of the same vocabulary."""

import json
import tempfile
from pathlib import Path

import numpy as np

CONTEXT = 77


def main(arrays):
    from open_clip.tokenizer import SimpleTokenizer
    from transformers import CLIPTokenizer

    captions = arrays["captions"].tolist()
    simple = SimpleTokenizer()
    marks = sorted(simple.encoder, key=simple.encoder.get)[-2:]
    names = dict(zip(marks, ("<|startoftext|>", "<|endoftext|>"), strict=True))
    vocabulary = {names.get(word, word): number for word, number in simple.encoder.items()}
    pairs = sorted(simple.bpe_ranks, key=simple.bpe_ranks.get)
    merges = "#version: 0.2\n" + "\n".join(" ".join(pair) for pair in pairs) + "\n"
    with tempfile.TemporaryDirectory() as folder:
        files = Path(folder, "vocab.json"), Path(folder, "merges.txt")
        files[0].write_text(json.dumps(vocabulary))
        files[1].write_text(merges)
        other = CLIPTokenizer.from_pretrained(folder)
        found = other(captions, padding="max_length", max_length=CONTEXT, truncation=True)
    return {
        "open_clip": simple(captions, context_length=CONTEXT).numpy(),
        "transformers": np.array(found["input_ids"]),
        "mask": np.array(found["attention_mask"]),
        "vocabulary": np.array(json.dumps(vocabulary)),
        "merges": np.array(merges),
    }
