"""Diffusion models of graded size: pure functions of arrays, no files, no clock."""

from models.families import FAMILIES, count, ladder
from models.inputs import Inputs
from models.ladder import Rung

__all__ = ["FAMILIES", "Inputs", "Rung", "count", "ladder"]
