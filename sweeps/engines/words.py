"""The end of what a worker said."""

from pathlib import Path


def last_words(log: Path, begun: int = 0) -> str:
    """The last lines from byte `begun`, before them what it gave as its error, however long ago.

    Threads of libraries may go on complaining after that. Empty where there is no log.
    """
    try:
        with log.open("rb") as file:
            file.seek(begun)
            lines = file.read().decode(errors="replace").splitlines()
    except FileNotFoundError:
        return ""
    errors = [line for line in lines[:-12] if line.startswith("error: ")]
    return "\n".join([*errors[-1:], *(line[:300] for line in lines[-12:])])
