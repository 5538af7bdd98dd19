"""How often intervals hold the truth, measured on sweeps whose law is known."""

from analysis.coverage.cells import Cell, cell_named
from analysis.coverage.measure import Coverage, Share, measure
from analysis.coverage.plan import Plan, read_plan
from analysis.coverage.sheets import coverage_sheet

__all__ = [
    "Cell",
    "Coverage",
    "Plan",
    "Share",
    "cell_named",
    "coverage_sheet",
    "measure",
    "read_plan",
]
