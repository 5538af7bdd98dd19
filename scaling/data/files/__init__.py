"""Sets of images on disk: found, read at random places, checked, and turned into a source."""
