"""Caches of what frozen encoders make of a set of files: vectors of captions, latents of images."""

import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from itertools import batched
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.config.files import FilesData
from scaling.data import latents, text
from scaling.data.files import decode
from scaling.data.files.known import Known, known, numbered
from scaling.data.files.pixels import pixels
from scaling.data.files.selection import identity
from scaling.data.files.user import function
from scaling.errors import InputError
from scaling.files import replacing

WORDLLAMA = "wordllama"
Progress = Callable[[int, int], None]


def about(config: FilesData, **encoders: str) -> dict[str, Any]:
    """Where an encoded file comes from."""
    kept = known(config)
    return {
        "source": Path(config.path).name,
        "format": config.format,
        "source_digest": config.digest,
        "examples": len(kept.selection.rows),
        "left_out": config.left_out,
        "conditions": config.conditions,
        **encoders,
        "version": version("diffusion-scaling"),
    }


def vectors(captions: Sequence[str], encoder: str, at_once: int) -> tuple[Any, str]:
    """Embeddings [n, t, e] of captions, and what made them: wordllama or a user's function."""
    if encoder == WORDLLAMA:
        return text.embed(captions), f"{WORDLLAMA} {text.installed()}"
    embed, digest = function(encoder)
    blocks = [np.asarray(embed(list(part))) for part in batched(captions, at_once)]
    if any(block.ndim != 3 or block.shape[1:] != blocks[0].shape[1:] for block in blocks):
        shapes = sorted({str(list(block.shape[1:])) for block in blocks})
        raise InputError(
            f"{encoder} must turn b captions into [b, t, e] of one t and e, not {', '.join(shapes)}"
        )
    return np.concatenate(blocks), f"{encoder} {digest}"


def captions_of(kept: Known) -> list[str]:
    """InputError where an example has none."""
    found = [example.caption for example in kept.selection.examples]
    missing = next((i for i, caption in enumerate(found) if caption is None), None)
    if missing is not None:
        raise InputError(
            f"path '{kept.config.path}': {kept.selection.examples[missing].name} has no caption to "
            "encode; set conditions to captions, and on_error to skip to leave such out"
        )
    return [caption or "" for caption in found]


def encode_text(config: FilesData, path: Path, encoder: str, at_once: int = 64) -> None:
    """Write a file that `data.conditions_file` reads: keys [n] and embeddings [n, t, e]."""
    kept = known(config)
    values, made_by = vectors(captions_of(kept), encoder, at_once)
    keys = np.array([identity(example) for example in kept.selection.examples])
    told = json.dumps(about(config, text=made_by))
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(file, keys=keys, embeddings=values, provenance=np.array(told))


def encode_images(
    config: FilesData,
    path: Path,
    encoder: str,
    *,
    text_encoder: str = "",
    at_once: int = 64,
    progress: Progress = lambda done, count: None,
) -> None:
    """Write a file that `data: {source: latents}` reads, by the side of the split of the pixels.

    `encoder(images)` turns uint8 [b, h, w, c] into means [b, h', w', c'], or into (means, standard
    deviations) of a posterior, as floats that are not yet scaled.
    """
    kept = known(config)
    encode, digest = function(encoder)
    settings = {"size": config.size, "channels": config.channels, "decode": decode.VERSION}
    made_by = {"images": f"{encoder} {digest}", **{k: str(v) for k, v in settings.items()}}
    given: dict[str, Any] = {"held_out": ~kept.in_training}
    if text_encoder:
        given["embeddings"], made_by["text"] = vectors(captions_of(kept), text_encoder, at_once)
    if config.conditions == "captions":
        given["captions"] = list(kept.captions)
    if config.conditions == "labels":
        given["labels"] = numbered(kept.captions)[0]
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as folder:
        written: dict[str, Any] = {}
        count = len(kept.selection.rows)
        for first, parts in encoded(config, kept, encode, encoder, at_once):
            for name, values in parts.items():
                if name not in written:  # on disk: there may be more than memory holds
                    shape = (count, *values.shape[1:])
                    written[name] = np.lib.format.open_memmap(
                        Path(folder) / name, "w+", values.dtype, shape
                    )
                written[name][first : first + len(values)] = values
            progress(first + at_once, count)
        told = json.dumps(about(config, **made_by))
        latents.save(path, **written, **given, provenance=told)


def encoded(
    config: FilesData, kept: Known, encode: Callable[..., Any], name: str, at_once: int
) -> Iterator[tuple[int, dict[str, Float[np.ndarray, "b h w c"]]]]:
    """Blocks of latents with the row of their first."""
    one = partial(pixels, kept.selection.index, config)
    rows = kept.selection.rows.tolist()
    with ThreadPoolExecutor() as pool:
        for block, taken in enumerate(batched(rows, at_once)):
            made = encode(np.stack(list(pool.map(one, taken))))
            found = made if isinstance(made, tuple) else (made,)
            names = ["mean", "std"][: len(found)]
            values = {name: np.asarray(part) for name, part in zip(names, found, strict=True)}
            wrong = [list(v.shape) for v in values.values() if v.ndim != 4 or len(v) != len(taken)]
            if wrong:
                raise InputError(f"{name} must give [{len(taken)}, h, w, c], not {wrong[0]}")
            yield block * at_once, values
