"""Features of fixed pictures, computed once and kept on disk under a hash of all that made them."""

import hashlib
import os
import zipfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from jaxtyping import Float32, UInt8

from scaling.errors import InputError
from scaling.files import cache_directory, replacing
from scaling.measure.features import pictures, protocol, sets
from scaling.measure.features.network import Network
from scaling.measure.rows import protocol_hash

LIMIT = "SCALING_FEATURES_GIB"
"""The variable that says how much is kept; beyond it what was not used for longest is deleted."""
UNLESS_SAID = "1"


def features_of(
    images: UInt8[np.ndarray, "n h w c"], network: Network, source: str
) -> Float32[np.ndarray, "n d"]:
    """Of grey or RGB pictures, one or more; `source` is what an error calls them."""
    return sets.from_pictures(pictures.in_array(images, source), network).features


def kept_features_of(
    images: UInt8[np.ndarray, "n h w c"], network: Network, source: str
) -> Float32[np.ndarray, "n d"]:
    """The same, read from the cache where they were computed before."""
    limit = bytes_kept()
    path = cache_directory("features") / f"{key(images, network)}.npz"
    known = load(path, len(images))
    if known is not None:
        return known
    found = features_of(images, network, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(file, features=found)
    evict(path.parent, limit, keep=path)
    return found


def bytes_kept() -> int:
    """By SCALING_FEATURES_GIB; InputError where that is no number of GiB."""
    given = os.environ.get(LIMIT) or UNLESS_SAID
    try:
        if (limit := float(given)) >= 0:
            return int(limit * 2**30)
    except (ValueError, OverflowError):
        pass
    raise InputError(
        f"{LIMIT} is '{given}'; it should be how many GiB of features are kept at most, "
        f"a number from 0 (such as 0.5)"
    )


def sha256(images: UInt8[np.ndarray, "n h w c"]) -> str:
    """Of the pixels and their shape."""
    digest = hashlib.sha256(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images).tobytes())
    return digest.hexdigest()


def key(images: UInt8[np.ndarray, "n h w c"], network: Network) -> str:
    """Forty hex digits, equal for the same pixels through the same network and resize."""
    made = protocol_hash(asdict(protocol.of(network)))
    return f"{sha256(images)[:32]}{made}"


def load(path: Path, count: int) -> Float32[np.ndarray, "n d"] | None:
    """Stored features, now the last used; None if there are none that are whole."""
    try:
        with path.open("rb") as file, np.load(file) as stored:
            features = stored["features"]
        os.utime(path)
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return features if len(features) == count and np.isfinite(features).all() else None


def evict(directory: Path, limit: int, *, keep: Path) -> None:
    """Delete the files used longest ago until all take at most `limit` bytes, but never `keep`.

    Another process may delete the same ones: what is gone is gone.
    """
    found = sorted(_sizes(directory))
    total = sum(size for _, size, _ in found)
    for _, size, path in found:
        if total > limit and path != keep:
            path.unlink(missing_ok=True)
            total -= size


def _sizes(directory: Path) -> Iterator[tuple[int, int, Path]]:
    """(time of last use, bytes, path) of every whole file that is still there."""
    for path in directory.glob("[!.]*.npz"):
        try:
            about = path.stat()
        except FileNotFoundError:
            continue
        yield about.st_mtime_ns, about.st_size, path
