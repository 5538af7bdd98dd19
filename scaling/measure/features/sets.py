"""Sets of features: from images through a network, or from files; saved with their protocol."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Float32

from scaling.data import npz
from scaling.errors import InputError
from scaling.files import replacing
from scaling.measure.features import pictures, protocol
from scaling.measure.features.network import Network, extract
from scaling.measure.features.protocol import Protocol

FEATURES, IMAGES, LOGITS = "features", "images", "logits"


@dataclass(frozen=True, kw_only=True)
class FeatureSet:
    """Features, logits where the network classifies, and what to know of both."""

    source: str
    features: Float32[np.ndarray, "n d"]
    logits: Float32[np.ndarray, "n classes"] | None
    protocol: Protocol
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.features)

    @property
    def sha256(self) -> str:
        """Of the features."""
        return hashlib.sha256(np.ascontiguousarray(self.features).tobytes()).hexdigest()


def load(path: Path, network: Callable[[], Network]) -> FeatureSet:
    """Of a folder of images, an .npy, or an .npz with `images` or `features`.

    `network` is called only if there are images. InputError for what cannot be used.
    """
    if path.is_dir():
        return from_pictures(pictures.in_folder(path), network())
    arrays = _arrays(path)
    if FEATURES in arrays:
        recorded = arrays.get("protocol")
        made = protocol.GIVEN if recorded is None else Protocol(**json.loads(str(recorded)))
        return from_array(arrays[FEATURES], f"file '{path}'", arrays.get(LOGITS), made)
    return from_pictures(pictures.in_array(arrays[IMAGES], f"file '{path}'"), network())


def from_pictures(images: pictures.Pictures, network: Network) -> FeatureSet:
    """Every image through the network."""
    features, logits = extract(network, images)
    checked(features, images.source)
    return FeatureSet(
        source=images.source,
        features=features,
        logits=logits,
        protocol=protocol.of(network),
        notes=images.notes,
    )


def from_array(
    features: np.ndarray, source: str, logits: np.ndarray | None, made: Protocol
) -> FeatureSet:
    """Features [n, d] as they are, in float32."""
    if features.ndim != 2 or features.dtype.kind != "f":
        raise InputError(
            f"{source}: features should be numbers with a point in [n, d], not {features.dtype} "
            f"{list(features.shape)}"
        )
    pictures.few(len(features), source, "rows of features")
    checked(features, source)
    return FeatureSet(
        source=source,
        features=features.astype(np.float32),
        logits=None if logits is None else logits.astype(np.float32),
        protocol=made,
    )


def save(found: FeatureSet, path: Path) -> None:
    """As an .npz that `load` reads again, without the images and the network."""
    logits = {} if found.logits is None else {LOGITS: found.logits}
    with replacing(path) as draft, draft.open("wb") as file:
        np.savez(
            file,
            allow_pickle=False,
            features=found.features,
            protocol=json.dumps(asdict(found.protocol)),
            **logits,
        )


def checked(features: Float[np.ndarray, "n d"], source: str) -> None:
    """InputError for rows with NaN or infinity."""
    broken = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(broken):
        rows = pictures.shortened([str(row) for row in broken])
        raise InputError(
            f"{source}: {len(broken)} of {len(features)} rows of features hold NaN or infinity "
            f"(rows {rows}); leaving them out would hide broken samples, so mend or drop them first"
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
