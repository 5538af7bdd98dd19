"""The same pictures with captions, written in every format by other libraries where there are."""

import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from PIL import Image
from tensorboardX.record_writer import masked_crc32c

from scaling.data.files.example import key_of
from scaling.data.files.tfrecord import HEADER

COLOURS = ("red", "green", "blue", "grey")
SHAPES = ("square", "disc", "bar")


def pictures(count: int, size: int = 12) -> list[np.ndarray]:
    """All different, a shape in a colour each."""
    draw = np.random.default_rng(0)
    images = draw.integers(200, 256, (count, size, size, 3), np.uint8)
    for row, image in enumerate(images):
        image[2:8, 2 : 4 + 2 * (row % 3), row % 4 % 3] = row % 200
    return list(images)


def captions(count: int) -> list[str]:
    """'a red square', ..."""
    return [f"a {COLOURS[i % 4]} {SHAPES[i % 3]}" for i in range(count)]


def png(pixels: np.ndarray, kind: str = "PNG") -> bytes:
    """Losslessly encoded, unless as another kind."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind)
    return stream.getvalue()


def extension(content: bytes) -> str:
    """By which files of such an image are called."""
    return "jpg" if content.startswith(b"\xff\xd8") else "png"


Told = Sequence[tuple[bytes, str]]


def folder(root: Path, told: Told) -> None:
    """With metadata.jsonl, in two directories."""
    rows = []
    for i, (content, caption) in enumerate(told):
        path = root / f"part{i % 2}" / f"{i:04}.{extension(content)}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        rows.append({"file_name": path.relative_to(root).as_posix(), "text": caption})
    (root / "metadata.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def sidecars(root: Path, told: Told) -> None:
    """A .txt beside each image."""
    root.mkdir(parents=True, exist_ok=True)
    for i, (content, caption) in enumerate(told):
        (root / f"{i}.{extension(content)}").write_bytes(content)
        (root / f"{i}.txt").write_text(caption + "\n")


def webdataset(root: Path, told: Told, kind: str = "txt") -> None:
    """Three shards."""
    root.mkdir(parents=True, exist_ok=True)
    for shard in range(3):
        with tarfile.open(root / f"{shard:06}.tar", "w") as file:
            for i in range(shard, len(told), 3):
                content, caption = told[i]
                text = caption if kind == "txt" else json.dumps({"caption": caption})
                for name, part in ((extension(content), content), (kind, text.encode())):
                    member = tarfile.TarInfo(f"{i:05}.{name}")
                    member.size = len(part)
                    file.addfile(member, io.BytesIO(part))


def rows(told: Told) -> Any:
    """An Arrow table as Hugging Face's."""
    import pyarrow as pa

    images = [{"bytes": content, "path": f"{i}.png"} for i, (content, _) in enumerate(told)]
    return pa.table({"image": images, "text": [caption for _, caption in told]})


def parquet(root: Path, told: Told) -> None:
    """Two files of small row groups."""
    from pyarrow import parquet as pq

    root.mkdir(parents=True, exist_ok=True)
    half = len(told) // 2
    for number, part in enumerate((told[:half], told[half:])):
        pq.write_table(rows(part), root / f"train-{number:05}-of-00002.parquet", row_group_size=10)


def arrow(root: Path, told: Told) -> None:
    """As `save_to_disk` writes: a stream of record batches."""
    import pyarrow as pa

    root.mkdir(parents=True, exist_ok=True)
    table = rows(told)
    path = str(root / "data-00000-of-00001.arrow")
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=10)
    (root / "state.json").write_text("{}")


@cache
def example_type() -> Any:
    """tf.train.Example as protobuf's own library has it."""
    of = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")

    def message(name: str, *fields: tuple[str, int, int, int, str]) -> Any:
        made = file.message_type.add(name=name)
        for field, number, label, kind, type_name in fields:
            made.field.add(
                name=field, number=number, label=label, type=kind, type_name=type_name or None
            )
        return made

    one, many = of.LABEL_OPTIONAL, of.LABEL_REPEATED
    message("BytesList", ("value", 1, many, of.TYPE_BYTES, ""))
    message("FloatList", ("value", 1, many, of.TYPE_FLOAT, ""))
    message("Int64List", ("value", 1, many, of.TYPE_INT64, ""))
    message(
        "Feature",
        ("bytes_list", 1, one, of.TYPE_MESSAGE, ".t.BytesList"),
        ("float_list", 2, one, of.TYPE_MESSAGE, ".t.FloatList"),
        ("int64_list", 3, one, of.TYPE_MESSAGE, ".t.Int64List"),
    )
    entry = file.message_type.add(name="Features")
    inner = entry.nested_type.add(name="FeatureEntry")
    inner.options.map_entry = True
    inner.field.add(name="key", number=1, label=one, type=of.TYPE_STRING)
    inner.field.add(name="value", number=2, label=one, type=of.TYPE_MESSAGE, type_name=".t.Feature")
    entry.field.add(
        name="feature",
        number=1,
        label=many,
        type=of.TYPE_MESSAGE,
        type_name=".t.Features.FeatureEntry",
    )
    message("Example", ("features", 1, one, of.TYPE_MESSAGE, ".t.Features"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


def serialised(content: bytes, caption: str, label: int) -> bytes:
    """A tf.train.Example."""
    made = example_type()()
    made.features.feature["image/encoded"].bytes_list.value.append(content)
    made.features.feature["caption"].bytes_list.value.append(caption.encode())
    made.features.feature["label"].int64_list.value.append(label)
    made.features.feature["score"].float_list.value.append(0.5)
    return made.SerializeToString()


def tfrecord(root: Path, told: Told) -> None:
    """Two files."""
    root.mkdir(parents=True, exist_ok=True)
    for shard in range(2):
        with (root / f"set-train.tfrecord-{shard:05}-of-00002").open("wb") as file:
            for i in range(shard, len(told), 2):
                content = serialised(*told[i], i % 5)
                length = HEADER.pack(len(content), 0)[:8]
                file.write(length + masked_crc32c(length).to_bytes(4, "little"))
                file.write(content + masked_crc32c(content).to_bytes(4, "little"))


def arrayrecord(root: Path, told: Told) -> None:
    """One file, groups of one record."""
    from array_record.python.array_record_module import ArrayRecordWriter

    root.mkdir(parents=True, exist_ok=True)
    writer = ArrayRecordWriter(str(root / "set.array_record-00000-of-00001"), "group_size:1")
    for i, (content, caption) in enumerate(told):
        writer.write(serialised(content, caption, i % 5))
    writer.close()


def npz(root: Path, told: Told) -> None:
    """Pixels, with the keys of what they were decoded from."""
    root.mkdir(parents=True, exist_ok=True)
    images = [np.asarray(Image.open(io.BytesIO(content))) for content, _ in told]
    keys, texts = [key_of(content) for content, _ in told], [caption for _, caption in told]
    np.savez(root / "set.npz", images=np.stack(images), keys=np.array(keys), captions=texts)


FORMATS: Mapping[str, Callable[[Path, Told], None]] = {
    "folder": folder,
    "sidecars": sidecars,
    "webdataset": webdataset,
    "parquet": parquet,
    "arrow": arrow,
    "tfrecord": tfrecord,
    "arrayrecord": arrayrecord,
    "npz": npz,
}


def told(count: int, kind: str = "PNG") -> list[tuple[bytes, str]]:
    """Encoded pictures with their captions."""
    return [(png(p, kind), c) for p, c in zip(pictures(count), captions(count), strict=True)]
