"""Diffusion models of graded size: pure functions of arrays, no files, no clock."""

from models.ladder import Rung, ladder

__all__ = ["Rung", "ladder"]
