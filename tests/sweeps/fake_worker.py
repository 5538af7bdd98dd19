"""A worker whose training is a second of sleep; `behave.json` in the sweep says who misbehaves.

Its rows name the process that wrote them, so that a file with two writers would show.
"""

import argparse
import errno
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from scaling.cli.running import SAVE_AND_END, _end_with_parent
from scaling.errors import InputError
from sweeps.store import Store
from sweeps.worker import work
from tests.sweeps.examples import Ending, Told, append, row


def behaviour(store: Store, run_id: str) -> str:
    path = store.directory / ".behave.json"
    record = store.run(run_id).record
    table = json.loads(path.read_text()) if path.exists() else {}
    return table.get(f"{record['rung']}/{record['seed']}", "")


def train(store: Store, seconds: float):
    def one(claims, progress):
        wanted = [behaviour(store, claim.run.name) for claim in claims]
        progress(Told("train", 0, 60))
        for step in range(0, 60, 10):
            time.sleep(seconds / 6)
            for claim in claims:
                claim.check()
                append(claim.attempt, row(step + 10, 1.0, count=os.getpid()))
            progress(Told("train", step + 10, 60, 0.5))
            if "raise" in wanted:
                raise ValueError("the moon is in the wrong house\nand more")
            if "kill" in wanted:
                os.kill(os.getpid(), signal.SIGKILL)
            if "full" in wanted:
                raise OSError(errno.ENOSPC, "No space left on device", "measurements.jsonl")
        progress(Told("done", 60, 60))
        return [
            Ending("diverged", 7, "not finite at step 7") if kind == "diverge" else Ending()
            for kind in wanted
        ]

    return one


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("directory", type=Path)
    parser.add_argument("--cores")
    parser.add_argument("--end-with-parent", action="store_true")
    parser.add_argument("--silence", type=float, default=240.0)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--skew", type=float, default=0.0, help="seconds that our stamps are wrong")
    given = parser.parse_args()
    right = os.utime
    if given.skew:
        os.utime = lambda path, times=None: right(path, times or (time.time() + given.skew,) * 2)
    if given.end_with_parent:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    stopping = threading.Event()
    for name in SAVE_AND_END:
        signal.signal(getattr(signal, name), lambda *_: stopping.set())
    store = Store.open(given.directory, silence=given.silence)
    try:
        return work(
            store, train(store, given.seconds), stopping, lambda text: print(text, flush=True)
        )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
