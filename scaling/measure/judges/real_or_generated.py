"""A judge that learns to tell generated images from real ones.

Classifier two-sample test (Lopez-Paz & Oquab 2017, arXiv 1610.06545), cross-fitted: both images of
a pair are scored by a classifier that saw neither. Where both sides have one distribution, to swap
the images of a pair changes nothing but which of them wins, so that the rate is 1/2 on average.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from scaling.data import split
from scaling.measure.features import protocol
from scaling.measure.judges.eye import Eye
from scaling.measure.judges.judge import Judge, Judged, Side, digest, points

NAME = "real_or_generated"
FOLDS = 8
RIDGE = 0.3
"""Times the mean of the kernel's diagonal."""
SWAPS = 200
"""Random swaps within pairs, to see how far the rate spreads where nothing can be told."""

Features = Float[np.ndarray, "n d"]


def judge(eye: Eye) -> Judge:
    """By the features of `eye`."""
    about: dict[str, Any] = {
        "judge": NAME,
        "classifier": f"ridge regression, {RIDGE} of the kernel's mean diagonal",
        "folds": f"{FOLDS}, by prompt",
        "features": asdict(protocol.of(eye.network)),
    }

    def compare(generated: Side, real: Side, ids: Int[np.ndarray, " n"]) -> Judged:
        return tell_apart(eye(generated.images), eye(real.images), ids)

    return Judge(
        name=NAME,
        sha256=digest(about),
        about=about,
        control="training",
        compare=compare,
    )


def tell_apart(generated: Features, real: Features, ids: Int[np.ndarray, " n"]) -> Judged:
    """How real each looks to a classifier of the other folds; its spread by swapping in pairs."""
    count = len(ids)
    order = np.argsort([split.draw("fold", int(i)) for i in ids], kind="stable")
    rng = np.random.default_rng(0)
    swaps = rng.choice([-1.0, 1.0], (count, SWAPS))
    labels = np.concatenate([np.ones((count, 1)), swaps], axis=1)
    ours, theirs = cross_fitted(generated[order], real[order], labels)
    rates = points(swaps * ours[:, 1:], swaps * theirs[:, 1:]).mean(axis=0)
    wider = np.sqrt(np.mean((rates - 0.5) ** 2)) / (0.5 / np.sqrt(count))
    back = np.argsort(order)
    return Judged(
        generated=ours[back, 0], real=theirs[back, 0], spread=float(np.maximum(1.0, wider))
    )


def cross_fitted(
    generated: Features, real: Features, labels: Float[np.ndarray, "n s"]
) -> tuple[Float[np.ndarray, "n s"], Float[np.ndarray, "n s"]]:
    """Scores of both sides for each column of labels: 1, or -1 where a pair's sides are swapped.

    Centring and scaling use both sides alike, and so tell nothing of which is which.
    """
    count = len(labels)
    both = np.concatenate([generated, real]).astype(np.float64)
    both = (both - both.mean(axis=0)) / (both.std(axis=0) + 1e-6)
    kernel, targets = both @ both.T, np.concatenate([-labels, labels])
    folds = np.tile(np.arange(count) % FOLDS, 2)
    scores = np.empty_like(targets)
    for fold in range(FOLDS):
        unseen = folds == fold
        scores[unseen] = _ridge(kernel[:, ~unseen], unseen, targets[~unseen])
    return scores[:count], scores[count:]


def _ridge(
    kernel: Float[np.ndarray, "m k"], unseen: np.ndarray, targets: Float[np.ndarray, "k s"]
) -> Float[np.ndarray, "u s"]:
    """Kernel ridge regression in the dual: k(x, X) (K + r I)^-1 y."""
    known = kernel[~unseen]
    penalty = RIDGE * np.trace(known) / len(known) * np.eye(len(known))
    return kernel[unseen] @ np.linalg.solve(known + penalty, targets)
