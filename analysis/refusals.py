"""Questions that some runs cannot answer, each with the reason."""

from collections.abc import Callable

from analysis.fitting import Unsupported
from analysis.table import TableError


class Refusals(dict[str, str]):
    """Reasons by question."""

    def attempt[T](self, question: str, find_out: Callable[[], T]) -> T | None:
        """The answer; or None, and why is kept."""
        try:
            return find_out()
        except (Unsupported, TableError) as reason:
            self[question] = str(reason)
            return None
