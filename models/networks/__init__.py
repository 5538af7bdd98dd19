"""Networks of graded size and their layers."""
