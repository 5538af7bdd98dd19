"""Images of a folder or an array, one by one, with what a person should know about them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from scaling.errors import InputError
from scaling.measure.features.labels import of_files

SUFFIXES = frozenset([".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"])
PLAIN = frozenset(["RGB", "L", "P", "1"])
WITH_ALPHA = frozenset(["RGBA", "LA", "PA"])
OPAQUE = 255
NAMED = 3
"""So many files or sizes are named in a message; the others are counted."""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Files of a folder, sorted by name, or an array; `__iter__` gives uint8 [h, w, 3]."""

    source: str
    files: tuple[Path, ...] = ()
    array: UInt8[np.ndarray, "n h w 3"] | None = None
    notes: tuple[str, ...] = ()
    labels: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.files) if self.array is None else len(self.array)

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        return iter(self.array) if self.array is not None else map(read, self.files)


def in_folder(folder: Path) -> Pictures:
    """All images at any depth. InputError for a folder with fewer than two."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    files = tuple(path for path in found if path.suffix.lower() in SUFFIXES)
    known = set(files)
    others = [str(path.relative_to(folder)) for path in found if path not in known]
    few(len(files), f"folder '{folder}'", f"images ({', '.join(sorted(SUFFIXES))})")
    sizes, grey = Counter(), 0
    for path in files:
        with opened(path) as image:
            sizes[f"{image.width}x{image.height}"] += 1
            grey += image.mode in {"L", "1", "LA"}
    notes = []
    if others:
        notes.append(f"{len(others)} files that are no images were left out: {shortened(others)}")
    if len(sizes) > 1:
        common = [f"{size} ({count})" for size, count in sizes.most_common()]
        notes.append(
            f"images of {len(sizes)} sizes: {shortened(common)}; each is resized by itself, and "
            f"those enlarged more look more blurred to the network"
        )
    if grey:
        notes.append(f"{grey} grey images; their one channel stands for all three")
    return Pictures(
        source=str(folder), files=files, notes=tuple(notes), labels=of_files(files, folder)
    )


def in_array(images: np.ndarray, source: str) -> Pictures:
    """Of uint8 [n, h, w, 3], or grey [n, h, w] and [n, h, w, 1]. InputError for others."""
    notes = ()
    if images.ndim == 4 and images.shape[3] == 4:
        raise InputError(
            f"{source}: images {list(images.shape)} have an alpha channel; lay them on a "
            f"background of your choice (white, say) and save three channels"
        )
    if images.dtype != np.uint8:
        raise InputError(
            f"{source}: images {list(images.shape)} are {images.dtype}; save them as uint8 in "
            f"0..255 (from [-1, 1]: ((x + 1) * 127.5).round().clip(0, 255).astype('uint8'))"
        )
    if images.ndim == 3 or images.shape[3:] == (1,):
        images = np.repeat(images.reshape(*images.shape[:3], 1), 3, axis=3)
        notes = (f"{len(images)} grey images; their one channel stands for all three",)
    if images.ndim != 4 or images.shape[3] != 3:
        channels_first = images.ndim == 4 and images.shape[1] in {1, 3}
        hint = "; move the channels last: images.transpose(0, 2, 3, 1)" if channels_first else ""
        raise InputError(f"{source}: images {list(images.shape)} are not [n, h, w, 3]{hint}")
    return Pictures(source=source, array=images, notes=notes)


def few(count: int, source: str, what: str) -> None:
    """InputError for fewer than two."""
    if count < 2:
        raise InputError(
            f"{source} holds {count or 'no'} {what}; a distance between distributions needs two at "
            f"the very least, and thousands to mean much"
        )


def read(path: Path) -> UInt8[np.ndarray, "h w 3"]:
    """One image as RGB; InputError names the file that is damaged or transparent."""
    with opened(path) as image:
        try:
            if image.mode in WITH_ALPHA or "transparency" in image.info:
                if np.asarray(image.convert("RGBA"))[:, :, 3].min() < OPAQUE:
                    raise InputError(
                        f"image '{path}' is transparent in places; lay it on a background of your "
                        f"choice (white, say) first, for what lies behind changes the features"
                    )
            elif image.mode not in PLAIN:
                raise InputError(
                    f"image '{path}' has the mode {image.mode}; save it as 8-bit RGB or grey"
                )
            return np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError) as error:
            raise InputError(damaged(path, error)) from None


def opened(path: Path) -> Image.Image:
    """Its header read."""
    try:
        return Image.open(path)
    except Image.DecompressionBombError as error:
        raise InputError(
            f"image '{path}' is too large to be opened ({error}); make it smaller, as the network "
            f"looks at a few hundred pixels a side"
        ) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(damaged(path, error)) from None


def damaged(path: Path, error: Exception) -> str:
    """What to tell of an image that does not open."""
    return f"image '{path}' is damaged or no image ({error}); delete it or make it again"


def shortened(names: list[str]) -> str:
    """The first few, and how many more."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
