"""Samples along the ladder: a row per rung, a column per caption, the same noise throughout."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.style import PAGE, short, styled
from analysis.study import Series

LARGEST = 12
"""Columns shown; what more captions there are stays in the samples' files."""


def sample_grid(series: Series) -> Figure | None:
    """The samples of each rung's finished run of lowest seed; None where there are no pictures."""
    rows = _rows(series)
    return grid(rows) if rows else None


def grid(rows: Sequence[tuple[str, float, np.ndarray, Sequence[str]]]) -> Figure:
    """A row of images per (rung, parameters, images [n, h, w, c] of 0..255, captions)."""
    captions = rows[0][3][:LARGEST]
    cell, gap = min(PAGE / (len(captions) + 1), 0.85), 1.06
    with styled():
        figure = Figure(figsize=(cell * (len(captions) + 1), cell * (len(rows) + 0.7)))
        axes = figure.add_subplot()
        for line, (_, _, images, _) in enumerate(rows):
            for column, image in enumerate(images[:LARGEST]):
                shown = image[..., 0] if image.shape[-1] == 1 else image
                left, top = column * gap, line * gap
                where = (left, left + 1, top + 1, top)
                axes.imshow(
                    shown, extent=where, interpolation="nearest", cmap="gray", vmin=0, vmax=255
                )
        texts = [textwrap.fill(text, 14, max_lines=3, placeholder="…") for text in captions]
        axes.set_xticks([i * gap + 0.5 for i in range(len(captions))], texts, size=6)
        axes.set_yticks(
            [i * gap + 0.5 for i in range(len(rows))],
            [f"{rung}\n{short(size)}" for rung, size, _, _ in rows],
        )
        axes.set(xlim=(0, len(captions) * gap), ylim=(len(rows) * gap, 0))
        axes.tick_params(length=0, labeltop=True, labelbottom=False)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        for label in axes.get_xticklabels():
            label.set_parse_math(False)
    return figure


def _rows(series: Series) -> list[tuple[str, float, np.ndarray, list[str]]]:
    """(rung, size, images [n, h, w, c], captions) of each rung that has samples."""
    directory, runs = series.table.directory, series.table.runs
    if directory is None or "samples" not in runs:
        return []
    runs = runs[(runs["status"] == "finished") & runs["samples"].notna() & (runs["samples"] != "")]
    rows = []
    for rung in series.selection.rungs:
        chosen = runs["run"].astype(str).isin(series.selection.points["run"])
        of_rung: pd.DataFrame = runs[chosen & (runs["rung"].astype(str) == rung)]
        of_rung = of_rung.sort_values("seed")
        paths = [Path(directory) / name for name in of_rung["samples"]]
        path = next((path for path in paths if path.is_file()), None)
        if path is None:
            continue
        with np.load(path) as stored:
            if "images" not in stored:
                continue  # latents, which are no pictures before their VAE has decoded them
            images, captions = stored["images"], [str(text) for text in stored["captions"]]
        size = series.selection.points.set_index("rung")["size"].loc[[rung]].iloc[0]
        rows.append((rung, float(size), images, captions))
    return rows
