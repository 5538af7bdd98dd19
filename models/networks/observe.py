"""Looking at what a network computes inside, without a second way of computing it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from jaxtyping import Array

_seen: ContextVar[dict[str, Array] | None] = ContextVar("seen", default=None)


@contextmanager
def observing() -> Iterator[dict[str, Array]]:
    """Everything that is observed while a network runs within, by name."""
    seen: dict[str, Array] = {}
    token = _seen.set(seen)
    try:
        yield seen
    finally:
        _seen.reset(token)


def observed() -> bool:
    """Whether anybody looks."""
    return _seen.get() is not None


def observe(name: str, x: Array) -> Array:
    """x itself, kept under this name for whoever looks."""
    seen = _seen.get()
    if seen is not None:
        seen[name] = x
    return x
