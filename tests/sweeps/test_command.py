"""Workers by a shell command, and engines of one's own by entry point."""

import json
import math
import os
import shlex
import signal
import sys
import textwrap
import time

import pytest

from scaling.errors import InputError
from sweeps.display import Lines
from sweeps.engines import command, make
from sweeps.engines.settings import CommandConfig
from sweeps.manifest import loads
from sweeps.sections import EngineConfig
from sweeps.snapshot import snapshot
from sweeps.store.claims import holder_of, take
from sweeps.store.processes import WORKER_VARIABLE
from sweeps.store.writing import read_json
from sweeps.supervise import WorkersFailed, supervise
from tests.sweeps.examples import SIX, WORKER, make_store
from tests.sweeps.waiting import wait_for

ALONE = SIX + "engine: {cohort: 1}\n"
FAKE = f"env SCALING_WORKER={{name}} {shlex.join(WORKER)} {{directory}}"


def engine(store, start=FAKE, workers=2, **more):
    settings = CommandConfig(start=start, poll_seconds=0.2, **more)
    config = EngineConfig(name="command", command=settings)
    return make("command", store.directory, workers, config)


def train(store, place, workers=2):
    return supervise(store, place, workers, Lines(lambda _: None))


def ended(store):
    found = store.directory.glob("runs/*/attempts/*/ended.json")
    return sorted(json.loads(path.read_text())["status"] for path in found)


def test_the_dry_run_fills_the_template(tmp_path):
    template = "kubectl run w{index} --image=us/scaling --attach -- sh -c {worker_quoted}"
    config = EngineConfig(name="command", command=CommandConfig(start=template))
    lines = make("command", tmp_path / "a b", 2, config).render().splitlines()
    assert [line.split()[2] for line in lines] == ["w0", "w1"]
    words = shlex.split(lines[1])
    assert words[-3:-1] == ["sh", "-c"]
    inner = shlex.split(words[-1])
    assert inner[:-1] == ["python", "-m", "scaling", "worker", str(tmp_path / "a b"), "--name"]
    assert inner[-1].startswith("worker-")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "engine.command.start is missing"),
        ({"start": "ssh {host} {worker}"}, "KeyError 'host'; there are {worker}, {worker_quoted}"),
        (
            {"start": "sky launch {worker}", "alive": "sky queue"},
            "engine.command.cancel is missing",
        ),
    ],
)
def test_what_is_wrong_with_a_template_is_said(tmp_path, given, message):
    config = EngineConfig(name="command", command=CommandConfig(**given))
    with pytest.raises(InputError, match=message.replace("{", "\\{")):
        make("command", tmp_path, 2, config)


def test_commands_that_last_train_every_run_once(tmp_path):
    store = make_store(tmp_path / "a sweep", ALONE)
    assert train(store, engine(store)).count("finished") == 6
    assert ended(store) == ["finished"] * 6
    assert holder_of(store.runs[0].directory, 1).name.startswith("worker-")


def test_commands_that_return_are_asked_after_and_found_again(tmp_path):
    """`start` and `cancel` are what a cloud's tool would do; the places are process groups."""
    store = make_store(tmp_path / "s", ALONE)
    places = tmp_path / "places"
    places.mkdir()
    given = {
        "start": f"setsid {FAKE} --seconds 1.2 >/dev/null 2>&1 & echo $! > {places}/{{name}}",
        "alive": f"kill -0 $(cat {places}/{{name}})",
        "cancel": f"kill $(cat {places}/{{name}})",
    }
    first = engine(store, **given)
    first.submit(2)
    wait_for(lambda: len(snapshot(store).working) == 2)
    said = first.leave()
    assert said.startswith("2 workers go on; these commands end them:\nkill $(cat")
    second = engine(store, **given)
    assert set(second.poll()[0]) == {work.holder.name for work in snapshot(store).working.values()}
    first.poll()
    second.cancel()
    assert second.poll() == ([], [])
    assert ended(store) == ["preempted"] * 2
    assert train(store, engine(store, **given)).count("finished") == 6


def test_a_tool_that_fails_buries_nobody_and_a_silent_worker_is_told_to_end(tmp_path, monkeypatch):
    """`alive` says no although the worker works, and then does not answer at all."""
    store = make_store(tmp_path / "s", ALONE)
    first = engine(
        store,
        start=":",
        alive="test -e {directory}/yes",
        cancel="echo {name} >> {directory}/told",
        workers=1,
    )
    monkeypatch.setattr(command, "SHELL_SECONDS", 0.2)
    first.submit(1)
    (name,) = first.slots.values()
    first.commands[0].wait()

    def poll(times):
        for _ in range(times):
            first.asked_at = -math.inf
            yield from first.poll()[1]

    (store.directory / "yes").touch()
    assert not list(poll(5))
    (store.directory / "yes").unlink()
    assert not list(poll(2))
    (store.directory / "yes").touch()
    assert not list(poll(1))
    (store.directory / "yes").unlink()
    monkeypatch.setenv(WORKER_VARIABLE, name)
    claim = take(store.runs[0].directory, store.clock)
    assert claim
    assert not list(poll(4)), "its heartbeat is fresh"
    os.utime(claim.path, (time.time() - 61,) * 2)
    first.settings = first.settings.model_copy(update={"alive": "sleep 60 | cat"})
    began = time.monotonic()
    (ended,) = poll(1)
    assert time.monotonic() - began < 10
    assert (ended.worker, ended.code) == (name, None)
    assert (store.directory / "told").read_text() == f"{name}\n"


def test_a_worker_is_known_before_it_is_started(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    start = "cp {directory}/logs/command.json {directory}/seen-{name}"
    place = engine(store, start=start, alive="false", cancel=":")
    place.submit(2)
    for process in place.commands.values():
        assert process.wait() == 0
    for name in place.slots.values():
        assert name in read_json(store.directory / f"seen-{name}").values()


def test_a_worker_that_dies_behind_its_command_is_replaced(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    (store.directory / ".behave.json").write_text(json.dumps({"20k/0": "kill"}))
    # One at a time: another might take the run up before the third death is recorded.
    now = train(store, engine(store, workers=1), workers=1)
    assert (now.count("finished"), now.count("failed")) == (5, 1)
    assert ended(store).count("died") == 3


def test_commands_that_fail_are_given_up_with_their_words(tmp_path):
    store = make_store(tmp_path / "s", ALONE)
    with pytest.raises(WorkersFailed, match="no such zone"):
        train(store, engine(store, start="echo no such zone; false"))


PLUGIN = """
    from sweeps.engines import LocalEngine

    class Twice(LocalEngine):
        def render(self):
            return "twice: " + super().render()

    def make(directory, workers, config):
        return Twice(directory, workers, config.options["command"])
"""


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """A package as pip leaves it: a module, and metadata that names its entry points."""
    place = tmp_path / "site"
    metadata = place / "own_engine-1.0.dist-info"
    metadata.mkdir(parents=True)
    (place / "own_engine.py").write_text(textwrap.dedent(PLUGIN))
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: own-engine\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(
        "[diffusion_scaling.engines]\ntwice = own_engine:make\nbroken = own_engine:nothing\n"
    )
    monkeypatch.syspath_prepend(str(place))
    yield
    sys.modules.pop("own_engine", None)


def test_an_engine_of_ones_own_is_chosen_by_its_name(plugin, tmp_path):
    options = json.dumps({"command": WORKER})
    store = make_store(tmp_path / "s", SIX + f"engine: {{name: twice, options: {options}}}\n")
    manifest = loads(SIX + f"engine: {{name: twice, options: {options}}}\n")
    place = make("twice", store.directory, 2, manifest.engine)
    assert place.render().startswith("twice: ")
    assert train(store, place).count("finished") == 6
    with pytest.raises(InputError, match=r"'broken' \(own_engine:nothing\) cannot be loaded"):
        make("broken", tmp_path, 1, manifest.engine)


def test_an_unknown_engine_is_answered_with_those_there_are(plugin):
    with pytest.raises(InputError, match="'ray', 'command', 'twice' or 'broken', not 'twise'"):
        loads(SIX + "engine: {name: twise}\n")
    with pytest.raises(InputError, match=r"no engine 'slrum'; did you mean 'slurm'\?"):
        make("slrum", None, 1, EngineConfig())


def test_signals_by_which_a_worker_saves(tmp_path):
    for number in (signal.SIGTERM, signal.SIGUSR1):
        store = make_store(tmp_path / number.name, ALONE)
        place = engine(store, start=f"exec {FAKE} --seconds 3", workers=1)
        place.submit(1)
        wait_for(lambda store=store: len(snapshot(store).working) == 1)
        place._signal(0, number)
        found = []
        wait_for(lambda place=place, found=found: found.extend(place.poll()[1]) or found)
        assert found[0].code == 75
        assert ended(store) == ["preempted"]
