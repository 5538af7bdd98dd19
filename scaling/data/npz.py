"""Arrays of an .npz file without reading them: its uncompressed members are memory-mapped."""

import hashlib
import io
import mmap
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from scaling.data.files import reading
from scaling.errors import InputError

TORN = (EOFError, ValueError, KeyError, struct.error, zipfile.BadZipFile, zlib.error)
AT_ONCE = 1 << 24  # bytes
LONGEST_HEADER = 1 << 16  # bytes; numpy itself refuses more than 10,000 characters
LOCAL_HEADER = struct.Struct("<26xHH")  # ends with the lengths of the name and of the extra field
READ_HEADER: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class Unusable(InputError):
    """What lies in the file is no .npz, is not whole, or holds Python objects."""


def read(path: Path) -> tuple[dict[str, np.ndarray], str]:
    """All arrays by name, read-only, and twelve hex digits that any change of them would change.

    Every byte is checked against the file's CRC-32 (some 3 GB a second). Unusable for a file that
    is truncated, damaged, or no .npz, and for arrays of Python objects; another InputError for one
    that is missing or cannot be read.
    """
    if not path.exists():
        raise InputError(f"file '{path}' does not exist (in {Path.cwd()})")
    try:
        with (
            reading.of_content(path, *TORN),
            path.open("rb") as file,
            zipfile.ZipFile(file) as members,
        ):
            whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            infos = sorted(members.infolist(), key=lambda info: info.filename)
            found = {name_of(info): array(file, members, info, whole) for info in infos}
    except reading.Damaged as error:
        raise Unusable(
            f"file '{path}' is truncated, damaged, or no .npz ({error}); write it again"
        ) from None
    for name, values in found.items():
        if values.dtype.hasobject:
            raise Unusable(
                f"file '{path}': {name} holds Python objects; save text as "
                f"np.array({name}, dtype=str) and numbers as an array of one type"
            )
    about = [(name_of(info), info.CRC, info.file_size) for info in infos]
    return found, hashlib.sha256(repr(about).encode()).hexdigest()[:12]


def name_of(info: zipfile.ZipInfo) -> str:
    """'mean.npy' -> 'mean'."""
    return info.filename.removesuffix(".npy")


def array(
    file: io.BufferedReader, members: zipfile.ZipFile, info: zipfile.ZipInfo, whole: mmap.mmap
) -> np.ndarray:
    """One member: a view into the file, or in memory where it is compressed."""
    if info.compress_type != zipfile.ZIP_STORED:
        return view(np.frombuffer(members.read(info), np.uint8))  # its CRC-32 is checked
    file.seek(info.header_offset)
    start = info.header_offset + LOCAL_HEADER.size
    start += sum(LOCAL_HEADER.unpack(file.read(LOCAL_HEADER.size)))
    content = np.frombuffer(whole, np.uint8, info.file_size, start)
    crc = 0
    for at in range(0, len(content), AT_ONCE):
        crc = zlib.crc32(content[at : at + AT_ONCE], crc)
    if crc != info.CRC:
        raise zipfile.BadZipFile(f"bad CRC-32 for '{info.filename}'")
    return view(content)


def view(content: UInt8[np.ndarray, " bytes"]) -> np.ndarray:
    """The bytes of an .npy file as its array."""
    stream = io.BytesIO(content[:LONGEST_HEADER].tobytes())
    version = np.lib.format.read_magic(stream)
    shape, fortran, dtype = READ_HEADER[version](stream)
    if dtype.hasobject:
        return np.empty(0, object)
    values = content[stream.tell() :].view(dtype)
    return values.reshape(shape[::-1]).T if fortran else values.reshape(shape)
