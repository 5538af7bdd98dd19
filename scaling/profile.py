"""A window of training steps traced by jax's profiler, for TensorBoard, XProf or Perfetto."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from scaling import group
from scaling.attempt import Member

FOLDER = "trace"
"""Below the attempt at the cohort's first run."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """From the first compiled call that starts at step `first` or later, `steps` steps or more."""

    first: int
    steps: int


class Profiler:
    """Traces a window once: not again in a later attempt, and in the first process alone.

    A context that lasts as long as the training does; nothing that is computed depends on it.
    """

    def __init__(self, window: Window | None, members: Sequence[Member]):
        member = members[0]
        self.window, self.directory = window, member.directory / FOLDER
        done = any((path / FOLDER).exists() for path in (member.directory, *member.earlier))
        self.waiting = window is not None and not done and group.is_first()
        self.ends_at: int | None = None  # the first step outside, while tracing

    @property
    def tracing(self) -> bool:
        """Whether a window is open: its calls must end within it."""
        return self.ends_at is not None

    def __enter__(self) -> "Profiler":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()  # what there is, where the training ends within the window

    @contextmanager
    def call(self, step: int, stop: int) -> Iterator[None]:
        """A `with` block that computes the steps from `step` to before `stop`, and waits."""
        if self.waiting and self.window and step >= self.window.first:
            import jax

            jax.profiler.start_trace(self.directory)
            self.waiting, self.ends_at = False, step + self.window.steps
        yield
        if self.ends_at is not None and stop >= self.ends_at:
            self._end()

    def _end(self) -> None:
        if self.ends_at is not None:
            import jax

            self.ends_at = None
            jax.profiler.stop_trace()
