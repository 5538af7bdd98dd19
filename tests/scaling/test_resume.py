"""What training goes on from when checkpoints are torn, unequal, or older than a measurement."""

import shutil
from pathlib import Path

import pytest

from scaling import checkpoint
from scaling.run import Execution, Member, Preempted, run_cohort
from tests.scaling.conftest import tiny, values_of

pytestmark = [
    pytest.mark.slow,
    # orbax drops the second of two errors that it meets at once
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

OFTEN = Execution(steps_per_call=5, checkpoint_seconds=0.0)
CONFIGS = tiny(), tiny(seed=1)


def attempt(parent: Path, number: int, stop=None, times=1) -> list[Path]:
    """Train both runs from the attempts before, or until `stop` is told for so many a time."""
    runs = [parent / str(run) for run in range(len(CONFIGS))]
    members = []
    for config, run in zip(CONFIGS, runs, strict=True):
        (run / str(number)).mkdir(parents=True)
        earlier = tuple(run / str(n) for n in range(number - 1, 0, -1))
        members.append(Member(config=config, directory=run / str(number), earlier=earlier))
    told = []

    def progress(now):
        told.append((now.phase, now.step))
        if told.count(stop) == times:
            raise Preempted

    try:
        outcomes = run_cohort(members, execution=OFTEN, progress=progress)
        assert stop is None
        assert {outcome.status for outcome in outcomes} == {"finished"}
    except Preempted:
        assert told.count(stop) == times
    return [member.directory for member in members]


def saved(directories: list[Path]) -> list[set[int]]:
    return [checkpoint.steps(directory / "checkpoints") for directory in directories]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return [values_of(place) for place in attempt(tmp_path_factory.mktemp("undisturbed"), 1)]


def tear(checkpoints: Path, step: int) -> None:
    """Cut the largest file of a checkpoint, as a disk that was full may have left it."""
    files = [path for path in (checkpoints / str(step)).rglob("*") if path.is_file()]
    largest = max(files, key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[: largest.stat().st_size // 2])


def test_a_torn_checkpoint_is_passed_over_for_the_one_before(undisturbed, tmp_path, capfd):
    first = attempt(tmp_path, 1, ("train", 17))
    assert [max(steps) for steps in saved(first)] == [17, 17]
    tear(first[1] / "checkpoints", 17)
    second = attempt(tmp_path, 2)
    assert [values_of(place) for place in second] == undisturbed
    assert "as that of 17 cannot be read" in capfd.readouterr().err
    assert saved(first) == [set(), set()], "nobody goes on from them"
    assert all(24 in steps for steps in saved(second))


def test_with_no_other_checkpoint_a_torn_one_is_an_error(tmp_path):
    first = attempt(tmp_path, 1, ("train", 17))
    for directory in first:
        for step in checkpoint.steps(directory / "checkpoints"):
            tear(directory / "checkpoints", step)
    with pytest.raises((OSError, ValueError)):
        attempt(tmp_path, 2)


def test_a_measurement_that_was_cut_short_is_made_again(undisturbed, tmp_path):
    first = attempt(tmp_path, 1, ("measure", 12), times=3)
    assert all(12 in steps for steps in saved(first))
    assert not any(row[0] == 12 for row in values_of(first[0]))
    second = attempt(tmp_path, 2)
    assert [values_of(place) for place in second] == undisturbed


def test_runs_saved_before_and_after_a_measurement_go_on_from_the_step_before(
    undisturbed, tmp_path
):
    """A kill between saving two runs at a horizon leaves one of them measured, the other not."""
    before = attempt(tmp_path, 1, ("measure", 12))
    after = attempt(tmp_path / "other", 1, ("train", 12))
    assert saved(before) == saved(after) == [{11, 12}] * 2
    shutil.rmtree(before[0] / "checkpoints" / "12")
    shutil.copytree(after[0] / "checkpoints" / "12", before[0] / "checkpoints" / "12")
    second = attempt(tmp_path, 2)
    assert [values_of(place) for place in second] == undisturbed
