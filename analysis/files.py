"""Files that are replaced whole or not at all."""

from pathlib import Path


def write(path: Path, content: str) -> None:
    """Write text beside `path` and put it in its place, so that no reader meets half of it."""
    draft = path.with_name(path.name + ".part")
    draft.write_text(content, encoding="utf-8")
    draft.replace(path)
