"""The front door: command `scaling`. A command imports the rooms that it needs when it runs."""

import contextlib
import gc
import os
import sys

DONE, SOME_FAILED, BAD_INPUT, PREEMPTED, INTERRUPTED = 0, 1, 2, 75, 130
"""Exit statuses of every command."""


def main() -> int:
    """Run the command line; mistakes of input are one screen without a traceback, and status 2."""
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")  # its search costs 30 ms
    gc.set_threshold(50_000)  # what imports make stays: looking for garbage in it costs 40 ms
    from scaling.cli.app import app
    from scaling.errors import InputError, Preempted

    try:
        app()
    except InputError as error:
        say(f"{error.label}{error}")
        return BAD_INPUT
    except Preempted as stop:
        say(f"stopped: {stop}; the same command goes on from here")
        return PREEMPTED
    except OSError as error:
        from sweeps.store.writing import NO_ROOM

        if error.errno not in NO_ROOM:
            raise
        say(f"error: {error.filename or 'a file'}: {NO_ROOM[error.errno]}")
        return BAD_INPUT
    return DONE


def say(text: str) -> None:
    """Tell on standard error, if it still can be told.

    The log of a worker may lie on the disk that is full. Python would keep what it cannot write,
    try again at its end, and change the exit status; so its buffers are passed by.
    """
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        os.write(2, f"{text}\n".encode())
