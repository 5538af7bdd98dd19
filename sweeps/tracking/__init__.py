"""Mirrors of a sweep's records in trackers of experiments; the truth stays where it is."""

from sweeps.tracking.mirror import Mirrored, follow, mirror
from sweeps.tracking.registry import TRACKERS, make

__all__ = ["TRACKERS", "Mirrored", "follow", "make", "mirror"]
