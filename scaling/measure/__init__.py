"""What is measured of a run: losses at every noise level, their weighted means, samples."""
