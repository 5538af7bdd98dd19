"""CRC-32C (Castagnoli), as RFC 3720 defines it in 12.1 and B.4 has examples of.

Of bytes whose remainder starts at zero it is linear: each byte's share depends on how many bytes
follow it, and shares are added without carry. So the bytes of a block, and blocks, go in parallel.
"""

from functools import cache

import numpy as np
from jaxtyping import UInt32

POLYNOMIAL = 0x82F63B78  # its bits reversed, as the bytes' are
BLOCK = 256  # bytes whose tables still lie in a core's cache
PIECE = 1 << 17  # bytes at once: numpy takes twelve times as much for them
ONES = 0xFFFFFFFF


def crc32c(content: bytes | memoryview) -> int:
    """Of all bytes."""
    remainder = ONES
    for first in range(0, len(content), PIECE):
        piece = content[first : first + PIECE]
        extend = one_by_one if len(piece) <= BLOCK else in_blocks
        remainder = extend(remainder, piece)
    return remainder ^ ONES


def masked(content: bytes | memoryview) -> int:
    """As TFRecord keeps it: the checksum of bytes with their own checksum behind them is no use."""
    crc = crc32c(content)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & ONES


def one_by_one(remainder: int, content: bytes | memoryview) -> int:
    """The remainder after more bytes."""
    table = last_byte()
    for byte in content:
        remainder = (remainder >> 8) ^ table[(remainder ^ byte) & 255]
    return remainder


def in_blocks(remainder: int, content: bytes | memoryview) -> int:
    """The same of at least four bytes: zeros in front of the first block change nothing."""
    padding = -len(content) % BLOCK
    padded = np.zeros(padding + len(content), np.uint8)
    padded[padding:] = np.frombuffer(content, np.uint8)
    padded[padding : padding + 4] ^= np.frombuffer(remainder.to_bytes(4, "little"), np.uint8)
    places = np.arange(BLOCK, dtype=np.intp) * 256
    shares = shares_in_block().ravel().take(padded.reshape(-1, BLOCK) + places)
    remainders, level = np.bitwise_xor.reduce(shares, axis=1), 0
    while len(remainders) > 1:
        if len(remainders) % 2:
            remainders = np.concatenate([np.zeros(1, np.uint32), remainders])
        remainders = shifted(remainders[::2], level) ^ remainders[1::2]
        level += 1
    return int(remainders[0])


def shifted(remainders: UInt32[np.ndarray, " n"], level: int) -> UInt32[np.ndarray, " n"]:
    """What they become by 2^level blocks of zeros."""
    table = shifts(level)
    return (
        table[0][remainders & 255]
        ^ table[1][(remainders >> 8) & 255]
        ^ table[2][(remainders >> 16) & 255]
        ^ table[3][remainders >> 24]
    )


@cache
def shifts(level: int) -> UInt32[np.ndarray, "4 256"]:
    """The same of every byte of a remainder: those of a block stand in its first four bytes."""
    if level == 0:
        return shares_in_block()[:4]
    return shifted(shifts(level - 1).ravel(), level - 1).reshape(4, 256)


@cache
def shares_in_block() -> UInt32[np.ndarray, "block 256"]:
    """What each byte of a block adds to its remainder, by its place."""
    table = np.empty((BLOCK, 256), np.uint32)
    table[-1] = last = last_byte()
    for place in reversed(range(BLOCK - 1)):
        followed = table[place + 1]
        table[place] = (followed >> 8) ^ np.array(last, np.uint32)[followed & 255]
    return table


@cache
def last_byte() -> tuple[int, ...]:
    """What the last byte adds: its remainder by the polynomial."""
    table = []
    for byte in range(256):
        remainder = byte
        for _ in range(8):
            remainder = (remainder >> 1) ^ (POLYNOMIAL & -(remainder & 1))
        table.append(remainder)
    return tuple(table)
