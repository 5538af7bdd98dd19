"""Sets of features: from images through a network, or from files; saved with their protocol."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float

from scaling.data import npz
from scaling.errors import InputError
from scaling.files import replacing
from scaling.measure.features import pictures, protocol
from scaling.measure.features.labels import LABELS, of_array
from scaling.measure.features.network import Network, extract
from scaling.measure.features.protocol import Protocol

FEATURES, IMAGES, LOGITS = "features", "images", "logits"
type Watch = Callable[[pictures.Pictures], Iterable[np.ndarray]]
"""Hands on the images as they are, and may tell somebody how many are done."""


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Features, logits where the network classifies, labels where there are any, and notes.

    Both are float32, or float64 where they were given so.
    """

    source: str
    features: Float[np.ndarray, "n d"]
    logits: Float[np.ndarray, "n classes"] | None
    protocol: Protocol
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.features)

    @property
    def sha256(self) -> str:
        """Of the features."""
        return hashlib.sha256(np.ascontiguousarray(self.features).tobytes()).hexdigest()


def load(path: Path, network: Callable[[], Network], watched: Watch = iter) -> FeatureSet:
    """Of a folder of images, an .npy, or an .npz with `images` or `features`, and `labels`.

    `network` is called only if there are images, which go through `watched` one by one. InputError
    for what cannot be used.
    """
    if path.is_dir():
        return from_pictures(pictures.in_folder(path), network(), watched)
    arrays, source = _arrays(path), f"file '{path}'"
    given = arrays[FEATURES if FEATURES in arrays else IMAGES]
    labels = of_array(arrays.get(LABELS), len(given), source)
    if FEATURES in arrays:
        recorded = arrays.get("protocol")
        made = protocol.GIVEN if recorded is None else Protocol(**json.loads(str(recorded)))
        return from_array(given, source, arrays.get(LOGITS), made, labels)
    images = replace(pictures.in_array(given, source), labels=labels)
    pictures.few(len(images), source, "images")
    return from_pictures(images, network(), watched)


def from_pictures(images: pictures.Pictures, network: Network, watched: Watch = iter) -> FeatureSet:
    """Every image through the network."""
    features, logits = extract(network, watched(images))
    finite(features, images.source, FEATURES)
    if logits is not None:
        finite(logits, images.source, LOGITS)
    return FeatureSet(
        source=images.source,
        features=features,
        logits=logits,
        protocol=protocol.of(network),
        notes=images.notes,
        labels=images.labels,
    )


def from_array(
    features: np.ndarray,
    source: str,
    logits: np.ndarray | None,
    made: Protocol,
    labels: tuple[str, ...] | None = None,
) -> FeatureSet:
    """Features [n, d] and logits [n, classes] as they are; halves become float32.

    InputError for other shapes, for whole numbers, and for NaN or infinity in either.
    """
    pictures.few(len(features) if features.ndim else 0, source, "rows of features")
    given = {FEATURES: features} | ({} if logits is None else {LOGITS: logits})
    for name, rows in given.items():
        if rows.ndim != 2 or rows.dtype.kind != "f" or len(rows) != len(features):
            count, columns = ("n", "d") if name == FEATURES else (len(features), "classes")
            raise InputError(
                f"{source}: {name} should be numbers with a point in [{count}, {columns}], not "
                f"{rows.dtype} {list(rows.shape)}"
            )
        finite(rows, source, name)
    return FeatureSet(
        source=source,
        features=single_or_double(features),
        logits=None if logits is None else single_or_double(logits),
        protocol=made,
        labels=labels,
    )


def single_or_double(rows: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
    """No digit is lost that a metric could use."""
    return rows.astype(np.float32 if rows.itemsize <= 4 else np.float64)


def save(found: FeatureSet, path: Path) -> None:
    """As an .npz that `load` reads again, without the images and the network."""
    beside = {} if found.logits is None else {LOGITS: found.logits}
    if found.labels is not None:
        beside[LABELS] = np.array(found.labels)
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            features=found.features,
            protocol=json.dumps(asdict(found.protocol)),
            **beside,
        )


def finite(rows: Float[np.ndarray, "n d"], source: str, name: str) -> None:
    """InputError for rows with NaN or infinity."""
    broken = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if len(broken):
        told = pictures.shortened([str(row) for row in broken])
        raise InputError(
            f"{source}: {len(broken)} of {len(rows)} rows of {name} hold NaN or infinity "
            f"(rows {told}); leaving them out would hide broken samples, so mend or drop them first"
        )


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Of an .npz, or of an .npy under the name that its shape suggests."""
    if path.suffix == ".npy":
        try:
            array = np.load(path, allow_pickle=False)
        except FileNotFoundError:
            raise InputError(f"file '{path}' does not exist (in {Path.cwd()})") from None
        except (OSError, ValueError, EOFError) as error:
            raise InputError(f"file '{path}' is damaged or no .npy ({error})") from None
        return {FEATURES if array.ndim == 2 else IMAGES: array}
    if path.suffix != ".npz":
        what = (
            "is no folder, .npz or .npy" if path.exists() else f"does not exist (in {Path.cwd()})"
        )
        raise InputError(f"'{path}' {what}")
    arrays, _ = npz.read(path)
    if not {FEATURES, IMAGES} & set(arrays):
        raise InputError(
            f"file '{path}' holds {', '.join(sorted(arrays)) or 'nothing'}; call the array "
            f"`images` (uint8 [n, h, w, 3]) or `features` (floats [n, d])"
        )
    return arrays
