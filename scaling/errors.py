"""Errors meant for the person at the keyboard."""


class InputError(Exception):
    """Something a person can mend: a manifest, a path, a full disk. No traceback, exit 2."""

    label = "error: "
    """What stands before the message on a screen."""


class LostClaim(Exception):
    """Another worker has taken this run over; nothing more may be written."""


class Preempted(Exception):
    """Raised by a progress callback to end training at once; the state is saved first."""
