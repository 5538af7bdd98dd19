"""What `scaling data check` says of a set."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scaling.data.captions import words
from scaling.data.files import known
from scaling.data.files.checks import check, histogram
from scaling.data.files.checksums import look
from scaling.data.files.example import Fault
from scaling.data.files.formats import FORMATS
from scaling.data.files.formats import found as files_found
from scaling.data.files.index import index
from scaling.data.files.selection import selected

SHOWN = 3  # captions and classes
KINDS = ("captions", "labels", "none")


@dataclass(frozen=True, kw_only=True)
class Report:
    """Counts of a set; hashes are those that `data.digest` would have, by conditions."""

    path: str
    format: str
    files: int
    examples: int
    copies: int  # images beyond the first of the same bytes
    hashes: dict[str, str]
    captions: int
    caption_words: list[int]  # the median and the most
    distinct_words: int
    labels: dict[str, int]
    sizes: list[list[int]]  # shorter side from, images
    smallest: list[int]
    faults: list[Fault]
    missing: dict[str, int]  # usable images without a caption, without a class


def report(
    path: str, wanted: str, fields: Mapping[str, str], progress: Callable[[int, int], None]
) -> Report:
    """Compares checksums, decodes every image, and keeps lists of what is damaged. InputError."""
    known.forget()
    names = tuple(sorted(fields.items()))
    kind, files = files_found(Path(path), wanted)
    if verify := FORMATS[kind].verify:
        look(verify, files)
    found = index(path, wanted, names)
    count = len(found.examples)
    checked = check(found, lambda done: progress(done, count))
    known.forget()
    of_kind = {kind: selected(path, wanted, names, kind, "") for kind in KINDS}
    usable = of_kind["none"].examples
    captions = [example.caption for example in usable if example.caption is not None]
    lengths = [len(words(caption)) for caption in captions] or [0]
    labels = Counter(example.label for example in usable if example.label is not None)
    return Report(
        path=path,
        format=found.format,
        files=len(found.files),
        examples=len(usable),
        copies=len(usable) - len({example.key for example in usable}),
        hashes={kind: one.digest for kind, one in of_kind.items() if len(one.rows)},
        captions=len(captions),
        caption_words=[int(np.median(lengths)), max(lengths)],
        distinct_words=len({word for caption in captions for word in words(caption)}),
        labels=dict(labels.most_common()),
        sizes=[list(pair) for pair in histogram(checked.sizes)],
        smallest=list(min(checked.sizes, key=min)) if checked.sizes else [],
        faults=list(of_kind["none"].faults),
        missing={
            "caption": len(usable) - len(captions) if captions else 0,
            "class": len(usable) - labels.total() if labels else 0,
        },
    )


def lines(found: Report, most: int | None) -> Iterator[str]:
    """For people; at most so many faults by name."""
    yield f"{found.path}: {found.examples:,} images in {found.files:,} files ({found.format})"
    for kind, digest in found.hashes.items():
        yield f"  hash with conditions {kind}: {digest}"
    if found.captions:
        median, longest = found.caption_words
        yield (
            f"  captions: {found.captions:,}, of {median} words (median) to {longest}, "
            f"{found.distinct_words:,} different words"
        )
    if found.labels:
        common = ", ".join(f"{name} {n:,}" for name, n in list(found.labels.items())[:SHOWN])
        yield f"  classes: {len(found.labels):,} ({common}{', ...' * (len(found.labels) > SHOWN)})"
    if found.sizes:
        counts = ", ".join(f"{low}-{2 * low - 1}: {count:,}" for low, count in found.sizes)
        yield f"  shorter side in pixels: {counts}; smallest {' x '.join(map(str, found.smallest))}"
    if found.copies:
        yield f"  copies of another image: {found.copies:,}; they stay on one side of the split"
    for part, count in found.missing.items():
        if count:
            yield f"  without a {part}: {count:,}; conditions that need it leave them out or stop"
    yield f"  cannot be used: {len(found.faults):,}"
    for fault in found.faults[:most]:
        yield f"    {fault.name}: {fault.reason}"
    if most is not None and len(found.faults) > most:
        yield f"    and {len(found.faults) - most:,} more: --all"
