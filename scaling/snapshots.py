"""Averages kept on the way, from which those of other widths are made after training.

`snapshots/<step>.npz` holds the averages of one step by name, each as one float32 vector: the
leaves of the weights, flattened and joined in jax's order.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from models.ema_snapshots import coefficients
from scaling import build
from scaling.build import ema_name
from scaling.config import RunConfig
from scaling.config.train import SnapshotConfig
from scaling.errors import InputError
from scaling.files import replacing


def save(directory: Path, step: int, averages: Mapping[str, Any]) -> None:
    """Write `directory/<step>.npz` whole or not at all."""
    directory.mkdir(exist_ok=True)
    arrays: dict[str, Any] = {name: _flat(tree) for name, tree in averages.items()}
    with replacing(directory / f"{step}.npz") as draft, draft.open("wb") as file:
        np.savez(file, **arrays)


def copy(source: Path, target: Path, step: int) -> None:
    """Take over one step's file, whole or not at all."""
    target.mkdir(exist_ok=True)
    with replacing(target / f"{step}.npz") as draft:
        draft.write_bytes((source / f"{step}.npz").read_bytes())


def steps(directory: Path) -> set[int]:
    """The steps whose files are complete."""
    return {int(path.stem) for path in directory.glob("*.npz") if path.stem.isdigit()}


def reconstruct(directory: Path, config: SnapshotConfig, step: int, width: float, like: Any) -> Any:
    """The weights averaged with any `width` up to `step`, in the structure of `like`.

    Raises ValueError where there is no snapshot up to that step.
    """
    stored = [(at, kept) for at in sorted(steps(directory)) if at <= step for kept in config.widths]
    shares = coefficients(stored, step, width)
    total: Any = 0.0
    # A diverged run's weights are not finite, and nor is their average.
    with np.errstate(invalid="ignore", over="ignore"):
        for share, (at, kept) in zip(shares, stored, strict=True):
            with np.load(directory / f"{at}.npz") as file:
                total = total + share * file[ema_name(kept)].astype(np.float64)
        return _unflatten(total.astype(np.float32), like)


def weights_at(directory: Path, config: RunConfig, step: int, name: str) -> Any:
    """A finished run's average called `name` as it was at the step of one of its snapshots.

    Raises InputError where `step` has none, and for weights that are no average of a known width.
    """
    kept = sorted(steps(directory))
    if step not in kept:
        there = f"there are some of {', '.join(map(str, kept))}" if kept else "it kept none"
        raise InputError(
            f"{directory.parent}: no snapshot of step {step}; {there} (train.snapshots)"
        )
    widths = {ema_name(width): width for width in (*config.train.ema, *config.measure.ema_widths)}
    if name not in widths:
        raise InputError(
            f"weights '{name}' of an earlier step cannot be made: snapshots hold averages; "
            f"choose among {', '.join(widths) or 'none, for train.ema is empty'}"
        )
    like = jax.eval_shape(build.network(config).init, jax.random.key(0))
    return reconstruct(directory, config.train.snapshots, step, widths[name], like)


def _flat(tree: Any) -> np.ndarray:
    return np.concatenate([np.ravel(np.asarray(leaf)) for leaf in jax.tree.leaves(tree)])


def _unflatten(vector: np.ndarray, like: Any) -> Any:
    leaves, structure = jax.tree.flatten(like)
    ends = np.cumsum([leaf.size for leaf in leaves])
    if ends[-1] != vector.size:
        raise ValueError(f"snapshots hold {vector.size} weights, the network has {ends[-1]}")
    parts = np.split(vector, ends[:-1])
    shaped = [part.reshape(leaf.shape) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(structure, shaped)
