"""One synthetic sweep, shared by the tests that only read it."""

from pathlib import Path

import pytest

from tests.analysis.synthetic import write_sweep


@pytest.fixture(scope="session")
def sweep(tmp_path_factory) -> Path:
    """A sweep of six rungs and two seeds whose law is known."""
    return write_sweep(tmp_path_factory.mktemp("sweep"), excess=True)
