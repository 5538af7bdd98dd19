"""Judges: proxies for people, that say which of two images of a caption is better."""
