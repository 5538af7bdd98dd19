"""Files that judges need, and that people bring: where they are looked for, and their hashes."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from scaling.files import cache_directory

FACE = "https://huggingface.co"
PUBLISHED = {
    "pickscore": f"{FACE}/yuvalkirstain/PickScore_v1",
    "hps_v2": f"{FACE}/xswu/HPSv2",
    "hps_v2_1": f"{FACE}/xswu/HPSv2",
    "clip_tokenizer": f"{FACE}/openai/clip-vit-base-patch32",
    "brisque": "https://live.ece.utexas.edu/research/Quality/index_algorithms.htm",
}
"""Where the files of each name come from that is no network's of features; nothing is fetched."""
TOKENIZER, WORDS, MERGES = "tokenizer.json", "vocab.json", "merges.txt"
DIGITS = 12
"""Hex digits of a hash that a configuration keeps."""


class Needed(NamedTuple):
    """Something a judge needs: in words, where it should be, and the setting that says so."""

    what: str
    path: Path
    kept: Path | None
    setting: str
    published: str


def place(name: str) -> Path:
    """Where a published file is looked for if no other is named."""
    return cache_directory("networks") / name


def needed(what: str, given: str, kept: str, setting: str, published: str) -> Needed:
    """Of a published file: `given`, or as `kept` in the cache."""
    from scaling.measure.features.named import PUBLISHED as NETWORKS

    home = place(kept)
    url = NETWORKS[published].url if published in NETWORKS else PUBLISHED[published]
    return Needed(what, Path(given) if given else home, home, setting, url)


def tokenizer_files(path: Path) -> tuple[Path, ...]:
    """A tokenizer.json, or of a folder that, or else its vocab.json and merges.txt."""
    if not path.is_dir():
        return (path,)
    whole = path / TOKENIZER
    return (whole,) if whole.is_file() else (path / WORDS, path / MERGES)


def recorded(judge: str, files: Sequence[Needed], given: str) -> str:
    """The hash of all files together; ValueError for a missing file, or for one that changed."""
    for each in files:
        if missing := [file for file in tokenizer_files(each.path) if not file.is_file()]:
            raise ValueError(_missing(judge, each, missing[0]))
    hashes = [sha256(file) for each in files for file in tokenizer_files(each.path)]
    digest = hashlib.sha256("".join(hashes).encode()).hexdigest()[:DIGITS]
    if given and given != digest:
        told = ", ".join(f"'{each.path}'" for each in files)
        raise ValueError(
            f"{judge}: {told} changed: the hash is {digest}, not {given}; give what changed a name "
            "of its own, or start a new directory"
        )
    return digest


def sha256(path: Path) -> str:
    """Of a file, which is read anew only where its size or its time have changed."""
    about = path.stat()
    return _sha256(path.absolute(), about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, changed: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _missing(judge: str, each: Needed, file: Path) -> str:
    where = f"there is no file '{file}' (in {Path.cwd()})"
    if each.kept is None:
        return f"{judge} needs {each.what}, and {where}"
    return (
        f"{judge} needs {each.what}, and {where}. Published at {each.published}: put it at "
        f"'{each.kept}', or say where yours is with `{each.setting}: PATH`"
    )


def clip_files(judge: Any, network: str) -> list[Needed]:
    """Weights of both towers, and what makes tokens of captions."""
    tokenizer = judge.tokenizer
    return [
        needed("its weights", judge.weights, f"{network}.safetensors", "weights", network),
        needed("a tokenizer", tokenizer, "clip_tokenizer", "tokenizer", "clip_tokenizer"),
    ]


def onnx_files(judge: Any) -> list[Needed]:
    """The program, and a tokenizer if one is named."""
    asked = {"file": ("its program", judge.file), "tokenizer": ("its tokenizer", judge.tokenizer)}
    return [
        Needed(what, Path(given), None, setting, "")
        for setting, (what, given) in asked.items()
        if given
    ]


def brisque_files(judge: Any) -> list[Needed]:
    """The regression, and the range of the features that it learnt from."""
    return [
        needed("its regression", judge.model, "brisque/allmodel", "model", "brisque"),
        needed("its features' range", judge.range, "brisque/allrange", "range", "brisque"),
    ]
