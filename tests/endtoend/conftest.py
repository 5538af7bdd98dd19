"""One undisturbed sweep for all tests to compare with, or to copy and go on from."""

import shutil
import sys

import pytest

from tests.endtoend.sweeping import Sweep


def pytest_collection_modifyitems(items):
    if sys.platform != "linux":
        for item in items:
            if "endtoend" in item.path.parts:
                item.add_marker(pytest.mark.skip(reason="looks at processes through /proc"))


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory):
    sweep = Sweep.make(tmp_path_factory.mktemp("undisturbed"))
    done = sweep.run()
    assert done.returncode == 0, done.stderr
    return sweep


@pytest.fixture
def copied(undisturbed, tmp_path):
    """The undisturbed sweep's files, to be changed."""
    shutil.copytree(undisturbed.directory.parent, tmp_path / "copy")
    return Sweep(tmp_path / "copy" / undisturbed.directory.name)
