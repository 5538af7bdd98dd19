"""Waiting for what other processes do."""

import time
from collections.abc import Callable


def wait_for[T](condition: Callable[[], T], seconds: float = 20.0) -> T:
    """What `condition` gives as soon as it is true of it."""
    until = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)
    return found
