"""How long the devices have nothing to do while the host does something else."""

import time
from collections.abc import Callable


class Idle:
    """Seconds since the devices ended all that was sent off, as looks tell: at most a look more.

    `busy()` says whether they compute. A wait that hides behind their work is none of theirs.
    """

    def __init__(self, busy: Callable[[], bool]):
        self._busy = busy
        self._looked = time.perf_counter()
        self._since = None if busy() else self._looked

    def look(self) -> None:
        """See whether they have ended: then they did after the look before."""
        if self._since is None and not self._busy():
            self._since = self._looked
        self._looked = time.perf_counter()

    def seconds(self) -> float:
        """Up to now."""
        self.look()
        return 0.0 if self._since is None else self._looked - self._since
