"""One image of a set as it is trained on, or a sentence that says which cannot be."""

import numpy as np
from jaxtyping import UInt8

from scaling.config.files import FilesData
from scaling.data.files import decode, reading
from scaling.data.files.index import Index
from scaling.errors import InputError


def pixels(index: Index, config: FilesData, row: int) -> UInt8[np.ndarray, "h w c"]:
    """Decoded. InputError, naming it, where it cannot be read or decoded."""
    try:
        return decode.decode(index.read(row), config.read_size, config.channels)
    except OSError as error:
        raise reading.unreadable(f"{config.path}: {index.examples[row].name}", error) from error
    except decode.Undecodable as error:
        raise InputError(
            f"path '{config.path}': {index.examples[row].name} cannot be decoded ({error}); run "
            f"`scaling data check {config.path}`, which lists all such: then data.on_error skip "
            "leaves them out"
        ) from None
