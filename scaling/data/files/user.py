"""A user's own encoder, named by the file that it stands in."""

import importlib.util
from collections.abc import Callable
from typing import Any

from scaling.config.extension import FromFile
from scaling.errors import InputError


def function(named: str) -> tuple[Callable[..., Any], str]:
    """A function of a user's file, vae.py:encode, and the file's hash. InputError."""
    try:
        given = FromFile(name="file", function=named)
    except ValueError as error:
        raise InputError(f"'{named}' names no function, as in vae.py:encode: {error}") from None
    spec = importlib.util.spec_from_file_location(f"user_{given.digest}", given.file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    name = named.rpartition(":")[2]
    if not hasattr(module, name):
        raise InputError(f"{given.file}: has no function '{name}'")
    return getattr(module, name), given.digest
