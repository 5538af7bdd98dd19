"""Shared by the tests of files."""

import pytest

from scaling.data.files import known as files


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """A cache of this test's, of which nothing is remembered after it."""
    monkeypatch.setenv("SCALING_CACHE", str(tmp_path / "cache"))
    yield
    files.forget()
