"""Training: many runs as one compiled program."""
