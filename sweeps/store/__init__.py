"""A sweep's directory: plain files that any number of workers share safely."""

from sweeps.store.directory import Store, StoredRun

__all__ = ["Store", "StoredRun"]
