"""How fast images are read for training, against plain PIL: images per second of one core.

    python -m benchmarks.reading [--images 512] [--rounds 5] [--size 256]

Both sides decode the same JPEGs of a folder and of a WebDataset, cut their middle square and resize
it. PIL's is the loop that anybody would write, with the same filter and the same reduced decoding
of large JPEGs; ours is the whole way from the order of training through grain's threads to a batch.
Sides take turns. Figures are medians over rounds of images per CPU second of all threads.
"""

import argparse
import io
import os
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from analysis.formats import Sheet, markdown
from scaling.config.files import FilesData
from scaling.data import memory
from scaling.data.feed import Feed, Places
from scaling.data.files.decode import SPARE
from scaling.data.source import load

BATCH = 64
SIDES = {"256 x 256": (256, 256), "640 x 480": (640, 480), "2048 x 1536": (2048, 1536)}


def jpegs(count: int, width: int, height: int) -> list[bytes]:
    """Of clouds with some noise, at quality 90: about as large as photographs are."""
    draw = np.random.default_rng(0)
    found = []
    for _ in range(count):
        coarse = draw.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
        clouds = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        noise = draw.normal(0, 4, (height, width, 1))
        pixels = np.clip(np.asarray(clouds) + noise, 0, 255).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=90)
        found.append(stream.getvalue())
    return found


def write(root: Path, contents: list[bytes]) -> None:
    """The same images as a folder and as a tar file."""
    (root / "folder").mkdir(parents=True)
    (root / "shards").mkdir()
    with tarfile.open(root / "shards" / "0.tar", "w") as file:
        for number, content in enumerate(contents):
            (root / "folder" / f"{number:05}.jpg").write_bytes(content)
            member = tarfile.TarInfo(f"{number:05}.jpg")
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))


def plain(folder: Path, size: int) -> np.ndarray:
    """All images of a folder by PIL alone."""
    found = []
    for path in sorted(folder.iterdir()):
        with Image.open(path) as image:
            shorter = min(image.size)
            if shorter >= 2 * SPARE * size:
                scale = SPARE * size / shorter
                image.draft("RGB", (int(image.width * scale), int(image.height * scale)))
            width, height = image.size
            side = min(width, height)
            left, top = (width - side) // 2, (height - side) // 2
            square = image.convert("RGB").crop((left, top, left + side, top + side))
            if side != size:
                square = square.resize((size, size), Image.Resampling.LANCZOS)
            found.append(np.asarray(square))
    return np.stack(found)


def ours(path: Path, size: int, count: int, threads: int) -> int:
    """As many training examples, a batch at a time; their number."""
    given = {"path": str(path), "size": size, "conditions": "none"}
    source = load(FilesData.model_validate(given))
    assert source.fetch is not None and source.examples is not None
    steps = -(-count // BATCH)
    feed = Feed(
        source.fetch,
        seeds=np.zeros(1, np.int32),
        batch=BATCH,
        examples=source.examples,
        first=0,
        end=steps,
        here=Places(np.arange(1), np.arange(BATCH)),
        threads=threads,
        ahead=2 * threads,
    )
    read = sum(feed.next(1).images.shape[2] for _ in range(steps))
    feed.close()
    return read


def rate(work: Callable[[], int]) -> tuple[float, float]:
    """Images per CPU second, and per second of the clock."""
    cpu, clock = time.process_time(), time.perf_counter()
    count = work()
    return count / (time.process_time() - cpu), count / (time.perf_counter() - clock)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256)
    asked = parser.parse_args()
    memory.IN_MEMORY_BYTES = 0  # read while it is used, however small
    threads = os.cpu_count() or 1
    rows = []
    for name, sides in SIDES.items():
        with tempfile.TemporaryDirectory() as folder:
            os.environ["SCALING_CACHE"] = f"{folder}/cache"
            root = Path(folder) / "set"
            count = max(64, asked.images * 640 * 480 // max(640 * 480, sides[0] * sides[1]))
            write(root, jpegs(count, *sides))
            rivals: dict[str, Callable[[], int]] = {
                "PIL": lambda root=root: len(plain(root / "folder", asked.size)),
                "folder": lambda r=root, n=count: ours(r / "folder", asked.size, n, threads),
                "tar": lambda r=root, n=count: ours(r / "shards", asked.size, n, threads),
            }
            for work in rivals.values():
                work()  # once to index, import and warm up
            found = {rival: [] for rival in rivals}
            for _ in range(asked.rounds):
                for rival, work in rivals.items():
                    found[rival].append(rate(work))
        cpu = {r: statistics.median(c for c, _ in rates) for r, rates in found.items()}
        wall = {r: statistics.median(w for _, w in rates) for r, rates in found.items()}
        for rival in rivals:
            figures = f"{cpu[rival]:,.0f}", f"{cpu[rival] / cpu['PIL']:.2f}", f"{wall[rival]:,.0f}"
            rows.append((name, rival, *figures))
    header = ("JPEG", "read by", "images per CPU second", "of PIL's", "images per second")
    title = f"Images read at {asked.size} pixels a side, {threads} threads"
    print(markdown(Sheet(title=title, headings=header, rows=tuple(rows))))


if __name__ == "__main__":
    main()
