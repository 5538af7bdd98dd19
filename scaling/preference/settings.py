"""Pictures of one run under each setting of inference that it tried, as sources of their own."""

import json
from pathlib import Path

import numpy as np

from scaling.errors import InputError
from scaling.preference.pictures import Pictures, arrays_of, pictures, require_pictures

AT = "@"
"""Between a run's id and the name of a setting: 0123456789ab@steps=8 guidance_scale=2."""

ARRAYS = ("images", "settings", "protocols", "real", "captions", "ids")


def source_of(run: str, setting: str) -> str:
    """What votes call a run's pictures under a setting."""
    return f"{run}{AT}{setting}"


def is_setting(source: str) -> bool:
    """Whether a source of votes is a run under one of its settings; no run's id has the sign."""
    return AT in source


def load(run: str, path: Path) -> Pictures:
    """Read the archive of a run. InputError where it is none, or has fewer than two settings."""
    arrays = arrays_of(path, ARRAYS, "protocols")
    names, images = _names(arrays["settings"]), arrays["images"]
    if not len(names) == len(arrays["protocols"]) == len(images):
        raise InputError(f"{path}: images, settings and protocols must be equally many")
    if len(names) < 2:
        raise InputError(f"{path}: pictures of {len(names)} settings, and a choice needs two")
    for name, drawn in zip(names, images, strict=True):
        require_pictures(path, f"images under {name}", drawn, arrays)
    sources = [source_of(run, name) for name in names]
    told = map(json.loads, arrays["protocols"].tolist())
    return pictures(
        path,
        arrays,
        generated=dict(zip(sources, images, strict=True)),
        protocols=dict(zip(sources, told, strict=True)),
    )


def sources_in(run: str, path: Path) -> list[str]:
    """Of the settings that an archive holds."""
    names = _names(arrays_of(path, ("settings", "protocols"), "protocols")["settings"])
    return [source_of(run, name) for name in names]


def _names(array: np.ndarray) -> list[str]:
    return list(map(str, array.tolist()))
