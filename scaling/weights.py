"""Published weights from a file, as a network's parameters. Pickles are never read.

Reading a pickle (PyTorch's .pt and .pth, among others) runs whatever program it holds; safetensors
and numpy's archives hold arrays alone.
"""

import hashlib
import zipfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open

from models.families import FAMILIES
from models.family import Shape
from models.networks.functional import Parameters
from scaling.errors import InputError

PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".bin", ".ckpt")
PICKLE_START = b"\x80"  # the opcode of a protocol, 2 or later
LENGTH_BYTES = 8  # of a safetensors' header, which is JSON and stands behind them


def load(path: Path, family: str, shape: Shape) -> Parameters:
    """Parameters of a network of this family and shape, from public keys and layouts.

    Raises InputError for a file that is missing, a pickle, broken, or of another network.
    """
    module = FAMILIES[family].network.partition(":")[0].rpartition(".")[0]
    from_public = import_module(f"{module}.checkpoint").from_public
    arrays = read(path)
    try:
        return from_public(arrays, shape)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def digest(path: Path) -> str:
    """SHA-256 of the file, which a record of what was loaded keeps."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(path: Path, prefixes: tuple[str, ...] = ("",)) -> Mapping[str, np.ndarray]:
    """Arrays of a .safetensors or .npz file, told apart by content, by their names.

    Only those are read whose names begin with one of `prefixes`.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    if path.suffix.lower() in PICKLES:
        raise InputError(refusal(path, f"a {path.suffix} file is a pickle"))
    with path.open("rb") as file:
        start = file.read(LENGTH_BYTES + 1)
    try:
        if start[LENGTH_BYTES:] == b"{":
            return _read_safetensors(path, prefixes)
        if zipfile.is_zipfile(path):
            return _read_zip(path, prefixes)
    except (SafetensorError, ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: cannot be read: {error}") from error
    if start.startswith(PICKLE_START):
        raise InputError(refusal(path, "its content is a pickle"))
    raise InputError(f"{path}: is neither a .safetensors nor a .npz file")


def _read_safetensors(path: Path, prefixes: tuple[str, ...]) -> Mapping[str, np.ndarray]:
    with safe_open(path, framework="numpy") as file:
        return {
            name: file.get_tensor(name) for name in file.offset_keys() if name.startswith(prefixes)
        }


def _read_zip(path: Path, prefixes: tuple[str, ...]) -> Mapping[str, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        other = [name for name in archive.namelist() if not name.endswith(".npy")]
    if other:
        raise InputError(refusal(path, f"its content is an archive of PyTorch's ({other[0]})"))
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if name.startswith(prefixes)}


def refusal(path: Path, why: str, under: str = "") -> str:
    """What to do with a pickle, whose arrays lie under the key `under`, if under any."""
    inside = f"['{under}']" if under else ""
    convert = (
        "import torch; from safetensors.torch import save_file; "
        f"arrays = torch.load('{path.name}', map_location='cpu', weights_only=True){inside}; "
        "save_file({name: array.clone() for name, array in arrays.items()}, "
        f"'{path.stem}.safetensors')"
    )
    return (
        f"{path}: {why}, and reading one can run any program that somebody put into it; it is not "
        f'read. Where you have PyTorch, convert it: python -c "{convert}"'
    )
