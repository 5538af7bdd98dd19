"""Votes on pairs of images, human and proxy: rates, strengths, raters, agreement, and how many."""
