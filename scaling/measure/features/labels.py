"""The class, or group of captions, of each image of a set."""

from pathlib import Path

import numpy as np

from scaling.errors import InputError

LABELS = "labels"


def of_files(files: tuple[Path, ...], folder: Path) -> tuple[str, ...] | None:
    """The subfolder that each image lies in, `dog/poodle` where they nest; None if one lies in
    `folder` itself."""
    found = tuple(file.parent.relative_to(folder).as_posix() for file in files)
    return None if "." in found else found


def of_array(labels: np.ndarray | None, count: int, source: str) -> tuple[str, ...] | None:
    """As text. InputError for other than `count` whole numbers or strings."""
    if labels is None:
        return None
    if labels.shape != (count,) or labels.dtype.kind not in "iuUS":
        raise InputError(
            f"{source}: {LABELS} should be {count} whole numbers or strings [n], one for each "
            f"sample, not {labels.dtype} {list(labels.shape)}"
        )
    text = labels.astype(str) if labels.dtype.kind != "S" else np.char.decode(labels, "utf-8")
    return tuple(text.tolist())
