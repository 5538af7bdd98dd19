"""`python -m analysis.coverage`: print how often intervals hold the truth, as Markdown."""

import argparse
import sys
from typing import get_args

from analysis.coverage.cells import CELLS, cell_named
from analysis.coverage.measure import measure
from analysis.coverage.sheets import coverage_sheet
from analysis.formats import markdown
from analysis.uncertainty.resampling import Method


def main() -> None:
    """Measure cell after cell, saying which; the table comes at the end."""
    parser = argparse.ArgumentParser(prog="python -m analysis.coverage", description=__doc__)
    parser.add_argument("--cells", nargs="+", metavar="LAW/NOISE/RUNGS/SEEDS", help="all if none")
    parser.add_argument("--replicates", type=int, default=1000, help="sweeps a cell (1000)")
    parser.add_argument("--draws", type=int, default=200, help="bootstrap draws a sweep (200)")
    parser.add_argument("--seed", type=int, default=0, help="of all random numbers (0)")
    parser.add_argument("--method", default="auto", choices=get_args(Method))
    asked = parser.parse_args()
    try:
        cells = [cell_named(name) for name in asked.cells] if asked.cells else CELLS
    except ValueError as error:
        parser.error(str(error))
    found = []
    for cell in cells:
        options = {"draws": asked.draws, "seed": asked.seed, "method": asked.method}
        found.append(measure(cell, asked.replicates, **options))
        print(found[-1].sentence(), file=sys.stderr, flush=True)
    print(markdown(coverage_sheet(found)), end="")


if __name__ == "__main__":
    main()
