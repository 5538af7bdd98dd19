"""A feature network of the user's: a function of a Python file, of no arguments."""

import importlib.util
from pathlib import Path

from scaling.errors import InputError
from scaling.measure.features.network import Network


def network(file: Path, name: str) -> Network:
    """What `name()` of the file returns; InputError where that is no Network."""
    spec = importlib.util.spec_from_file_location(f"network_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise InputError(f"network '{file}:{name}': '{file}' is not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not callable(made := getattr(module, name, None)):
        raise InputError(f"network '{file}:{name}': the file has no function '{name}'")
    found = made()
    if not isinstance(found, Network):
        raise InputError(
            f"network '{file}:{name}': {name}() should return a Network (of "
            f"scaling.measure.features.network), not {type(found).__name__}"
        )
    return found
