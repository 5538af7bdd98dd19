"""Tar files of WebDataset: members of one name before the first dot are one example."""

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaling.data.files import reading
from scaling.data.files.example import (
    IMAGE_SUFFIXES,
    Example,
    Fault,
    Fields,
    as_caption,
    as_label,
    key_of,
    pick,
)

BLOCK = 512  # bytes: all parts of a tar file begin at a multiple
TORN = (tarfile.TarError, EOFError)
SMALL = 1 << 20  # bytes; longer members beside an image are none of ours


def scan(path: Path, root: Path, fields: Fields) -> Iterator[Example | Fault]:
    """One example a name, its image by offset; of a tar cut short those of the whole part."""
    shard = path.name
    parts: dict[str, dict[str, tarfile.TarInfo]] = {}
    size, end = path.stat().st_size, 0
    try:
        with reading.of_content(path, *TORN), tarfile.open(path, "r:") as members:
            for member in members:
                end = member.offset_data + -(-member.size // BLOCK) * BLOCK
                if member.isfile() and member.offset_data + member.size <= size:
                    folder, _, base = member.name.rpartition("/")
                    stem, _, extension = base.partition(".")
                    parts.setdefault(f"{folder}/{stem}" if folder else stem, {})[extension] = member
                elif member.isfile():
                    name = f"{shard}: {member.name}"
                    yield Fault(name, "the tar file is cut short in it", damage=True)
        if end <= size and reading.part(path, end, BLOCK) != bytes(BLOCK):
            told = "is damaged or cut short: it lacks the zeros that end a tar file"
            yield Fault(shard, told, damage=True)
    except reading.Damaged as error:
        yield Fault(shard, f"is damaged or cut short ({error})", damage=True)
    for stem, members in parts.items():
        yield example(path, f"{shard}: {stem}", members, fields)


def example(
    path: Path, name: str, members: dict[str, tarfile.TarInfo], fields: Fields
) -> Example | Fault:
    """Of one name's members, by extension."""
    wanted = {fields["image"]} if fields.get("image") else None
    images = [
        e
        for e in members
        if (e in wanted if wanted else f".{e.rpartition('.')[2]}".lower() in IMAGE_SUFFIXES)
    ]
    if len(images) != 1:
        found = f"has {len(images)} images" if images else "has no image"
        return Fault(name, f"{found} among .{', .'.join(members)}")
    image = members[images[0]]
    content = reading.part(path, image.offset_data, image.size)
    about: dict[str, Any] = {}
    for extension, member in members.items():
        if extension == images[0] or member.size > SMALL:
            continue
        told = reading.part(path, member.offset_data, member.size).decode("utf-8", "replace")
        if extension == "json":
            try:
                about = {**dict(json.loads(told)), **about}
            except (TypeError, ValueError) as error:
                return Fault(name, f"its .json is broken ({error})")
        else:
            about[extension] = told
    caption, label = pick("caption", fields, about), pick("label", fields, about)
    return Example(
        name,
        image.offset_data,
        image.size,
        key_of(content),
        as_caption(about.get(caption or "")),
        as_label(about.get(label or "")),
    )
