"""The main job: prepare the store, train what is missing, collect the table."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from scaling.errors import InputError
from sweeps.collect import collect
from sweeps.display import Display, display_for
from sweeps.engines import Engine, make, require
from sweeps.engines.accelerators import places
from sweeps.manifest import Manifest, load
from sweeps.snapshot import Snapshot, snapshot
from sweeps.store import Store
from sweeps.store.prepare import prepare
from sweeps.supervise import supervise


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How a sweep went: the store, its runs at the end, whether anything was trained, notices."""

    store: Store
    snapshot: Snapshot
    trained: bool
    notices: tuple[str, ...]


def run(
    manifest: Manifest | str | Path,
    directory: str | Path | None = None,
    *,
    engine: str | None = None,
    workers: int | None = None,
    retry_failed: bool = False,
    display: Display | None = None,
) -> Summary:
    """Train and measure every run of `manifest` that is missing, and collect the table.

    `directory` is `runs/<name>` unless given. Raises InputError (bad manifest, foreign directory,
    full disk); runs that fail or diverge do not raise: see the summary's snapshot.
    """
    if not isinstance(manifest, Manifest):
        manifest = load(manifest)
    where = Path(directory) if directory else default_directory(manifest)
    count = worker_count(manifest, workers, engine)
    store, notices = prepare(manifest, where, workers=count, retry_failed=retry_failed)
    now = snapshot(store)
    trained = not now.settled
    if trained:
        place = engine_for(manifest, where, count, engine)
        now = supervise(store, place, count, display or display_for())
    notices += collect(store)
    return Summary(store=store, snapshot=now, trained=trained, notices=tuple(notices))


def default_directory(manifest: Manifest) -> Path:
    """`runs/<name>` in the current directory."""
    return Path("runs") / manifest.name


def worker_count(manifest: Manifest, asked: int | None = None, engine: str | None = None) -> int:
    """As asked, as the manifest says, or as many as this machine has places; no more than runs."""
    wanted: int | Literal["auto"] = asked or manifest.engine.workers
    chosen = engine or manifest.engine.name
    require(chosen)
    if wanted == "auto" and chosen != "local":
        raise InputError(
            f"engine '{chosen}': say how many workers it may start, by --workers or engine.workers"
        )
    return max(1, min(places() if wanted == "auto" else wanted, len(manifest.runs)))


def engine_for(manifest: Manifest, directory: Path, workers: int, name: str | None) -> Engine:
    """The engine by name, the manifest's own unless another is given."""
    return make(name or manifest.engine.name, directory, workers, manifest.engine)
