"""Shared by all tests: a compilation cache, so that a program is compiled once per machine."""

import os
import socket
import tempfile
from pathlib import Path

import pytest

CACHE = Path(
    os.environ.get("SCALING_TEST_CACHE", Path(tempfile.gettempdir()) / "scaling-test-cache")
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE / "compiled"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.2")
os.environ.setdefault("SCALING_CACHE", str(CACHE))


@pytest.fixture
def asked(monkeypatch) -> list[object]:
    """Addresses that Python's sockets were asked to connect to or to look up: each is refused."""
    found: list[object] = []

    def refuse(*arguments: object, **more: object) -> None:
        found.append(arguments)
        raise ConnectionRefusedError(f"a test forbids the network: {arguments}")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    return found


LONGEST_FIRST = ("test_kills", "test_readme", "endtoend", "test_sharding", "tests/scaling")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files begin first, lest one worker be left with them when the other is done."""

    def place(item: pytest.Item) -> int:
        name = str(item.path)
        return next((i for i, part in enumerate(LONGEST_FIRST) if part in name), len(LONGEST_FIRST))

    items.sort(key=place)
