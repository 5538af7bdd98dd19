"""A bar while images go through a network."""

import sys
from collections.abc import Iterator

import numpy as np

from scaling.measure.features.pictures import Pictures


def watched(name: str, images: Pictures) -> Iterator[np.ndarray]:
    """Images as they are, counted on a bar on standard error where that is a terminal."""
    if not sys.stderr.isatty():
        yield from images
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), Left()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield from bars.track(images, total=len(images), description=f"{name}: features")
