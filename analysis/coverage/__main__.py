"""`python -m analysis.coverage`: print how often intervals hold the truth, as Markdown."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import get_args

from analysis.coverage.cells import cell_named
from analysis.coverage.measure import measure
from analysis.coverage.plan import SHIPPED, read_plan
from analysis.coverage.sheets import coverage_sheet
from analysis.formats import markdown
from analysis.uncertainty.resampling import Method


def main() -> None:
    """Measure cell after cell, saying which; the table comes at the end."""
    parser = argparse.ArgumentParser(prog="python -m analysis.coverage", description=__doc__)
    parser.add_argument("file", nargs="?", type=Path, default=SHIPPED,
                        help="a study, as analysis/coverage/study.yaml is one")  # fmt: skip
    parser.add_argument("--cells", nargs="+", metavar="LAW/NOISE/RUNGS/SEEDS", help="only these")
    parser.add_argument("--replicates", type=int, help="sweeps a cell")
    parser.add_argument("--draws", type=int, help="bootstrap draws a sweep")
    parser.add_argument("--seed", type=int, help="of all random numbers")
    parser.add_argument("--method", choices=get_args(Method))
    asked = vars(parser.parse_args())
    try:
        plan = read_plan(asked.pop("file"))
        cells = asked.pop("cells")
        given = {name: value for name, value in asked.items() if value is not None}
        plan = replace(plan, **given, cells=tuple(map(cell_named, cells)) if cells else plan.cells)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    options = {"draws": plan.draws, "seed": plan.seed, "method": plan.method}
    found = []
    for cell in plan.cells:
        found.append(measure(cell, plan.replicates, **options))
        print(found[-1].sentence(), file=sys.stderr, flush=True)
    print(markdown(coverage_sheet(found)), end="")


if __name__ == "__main__":
    main()
