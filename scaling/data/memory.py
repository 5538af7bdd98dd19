"""What is held in memory of a training set, and what is read while it is used."""

IN_MEMORY_BYTES = 2**28
"""Of training examples, decoded and with their vectors, that every device holds.

Of more, the host reads each batch. No result depends on it.
"""

FLOOR_BYTES = 2**34
"""The same that `measure.floor` may put on the device while it is computed: it reads all of them.

1.4 million images of 64x64x3.
"""

CALL_BYTES = 2**28
"""Of the examples that a process sends in one call, and of those it reads ahead."""


def fits(count: int) -> bool:
    """Whether so many bytes are held."""
    return count <= IN_MEMORY_BYTES


def too_many(count: int) -> str | None:
    """Why a set of so many bytes has no floor, if it has none."""
    if count <= FLOOR_BYTES:
        return None
    return (
        f"compares with all training images at once, and these take {count / 2**20:,.0f} MiB, more "
        f"than {FLOOR_BYTES / 2**20:,.0f}: set it to none, or train on fewer or smaller images"
    )
