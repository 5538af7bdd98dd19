"""A judge in an ONNX file, run by onnxruntime (the extra `onnx`): ImageReward, or any other.

Inputs are told apart by the names that exports of transformers have: `pixel_values`
[batch, 3, s, s], and where captions are read `input_ids` and `attention_mask` [batch, t].
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from scaling.config.judge_files import sha256, tokenizer_files
from scaling.config.judge_sections import OnnxJudge
from scaling.errors import InputError
from scaling.measure.features import resize
from scaling.measure.judges import tokens
from scaling.measure.judges.judge import Images, Judge, Scores, scoring

IMAGES_AT_ONCE = 8
TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}
PIXELS, WORDS, MASK = "pixel_values", "input_ids", "attention_mask"
RESIZES = {
    "cropped_bicubic": resize.CROPPED_BICUBIC,
    "bicubic": resize.BICUBIC,
    "padded_bicubic": resize.PADDED_BICUBIC,
}


ENCODERS = {"image_reward": tokens.for_bert}
"""Of presets, which say whose tokenizer it must be."""


def judge(config: OnnxJudge) -> Judge:
    """Its first output is the score, [batch] or [batch, 1]; InputError for what is none."""
    path = Path(config.file)
    session = opened(path)
    inputs = {given.name: given for given in session.get_inputs()}
    shapes = {name: list(given.shape) for name, given in inputs.items()}
    size, length, batch = sizes(path, shapes, config.size, config.tokens)
    for name, given in inputs.items():
        if given.type not in TYPES:
            raise InputError(f"judge '{path}': {name} is {given.type}, not of {', '.join(TYPES)}")
    reads = WORDS in shapes
    if reads != bool(config.tokenizer):
        raise InputError(
            f"judge '{path}' takes {', '.join(shapes)}: it needs a `tokenizer`"
            if reads
            else f"judge '{path}' reads no captions; leave out `tokenizer`"
        )
    words = tokenizer_files(Path(config.tokenizer)) if reads else ()
    read = ENCODERS.get(config.preset, tokens.tokenizer)
    encoder = read(Path(config.tokenizer)) if reads else None
    fit = RESIZES[config.resize]
    mean, deviation = (np.array(each, np.float32) for each in (config.mean, config.deviation))
    about = {
        "judge": config.judge,
        "program": sha256(path),
        "tokenizer": [sha256(file) for file in words],
        "input": f"{size} pixels, {fit.method}, mean {config.mean}, deviation {config.deviation}",
        "tokens": length if reads else 0,
        "pillow": resize.version(),
    }

    def pixels(images: Images) -> Float32[np.ndarray, "n 3 s s"]:
        square = np.stack([fit.apply(image, size) for image in images]) / np.float32(255)
        return np.ascontiguousarray(((square - mean) / deviation).transpose(0, 3, 1, 2))

    def score(images: Images, captions: Sequence[str]) -> Scores:
        given: dict[str, np.ndarray] = {}
        if encoder is not None:
            given[WORDS], given[MASK] = tokens.encode(encoder, captions, length)
        found = []
        for start in range(0, len(images), batch):
            here = slice(start, start + batch)
            block = {PIXELS: pixels(images[here])} | {k: v[here] for k, v in given.items()}
            count = len(block[PIXELS])
            whole = {
                k: filled(v, batch).astype(TYPES[inputs[k].type])
                for k, v in block.items()
                if k in inputs
            }
            found.append(scores(path, session.run(None, whole)[0], batch)[:count])
        return np.concatenate(found)

    return scoring(config.judge, about, score)


def opened(path: Path) -> Any:
    """The session of a file; InputError without the library, and for what is no such file."""
    try:
        import onnxruntime  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise InputError(
            "an .onnx judge needs onnxruntime: pip install 'diffusion-scaling[onnx]'"
        ) from None
    try:
        return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes are not all exported
        raise InputError(f"judge '{path}' is no ONNX file that can run: {error}") from None


def sizes(
    path: Path, shapes: Mapping[str, list[Any]], size: int, length: int
) -> tuple[int, int, int]:
    """Pixels a side, tokens of a caption and pairs at once: the file's own where it fixes them."""
    inputs = set(shapes)
    known = inputs <= {PIXELS, WORDS, MASK} and (MASK not in inputs or WORDS in inputs)
    match shapes.get(PIXELS):
        case [batch, 3, height, width] if known and (height == width or isinstance(height, str)):
            fixed = (height, (shapes.get(WORDS) or [0, length])[1], batch)
            other = (size, length, IMAGES_AT_ONCE)
            found = (a if isinstance(a, int) else b for a, b in zip(fixed, other, strict=True))
            return next(found), next(found), next(found)
    raise InputError(
        f"judge '{path}' takes {dict(shapes)}; it should take {PIXELS} [batch, 3, s, s], and where "
        f"it reads captions {WORDS} and {MASK} [batch, t]"
    )


def filled(block: np.ndarray, count: int) -> np.ndarray:
    """With its last row again and again, up to `count`: a program may want a fixed batch."""
    return np.pad(block, [(0, count - len(block)), *[(0, 0)] * (block.ndim - 1)], mode="edge")


def scores(path: Path, output: np.ndarray, count: int) -> Scores:
    """One finite number for each pair; InputError for anything else."""
    found = np.asarray(output, np.float64)
    if found.shape not in ((count,), (count, 1)) or not np.isfinite(found).all():
        raise InputError(
            f"judge '{path}': of {count} pairs its first output should be {count} finite numbers, "
            f"not {list(found.shape)} with {np.count_nonzero(~np.isfinite(found))} not finite"
        )
    return found.reshape(count)
