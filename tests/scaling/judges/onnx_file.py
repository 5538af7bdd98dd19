"""An ONNX file by hand: a pair's score is its mean pixel and the sum of its caption's tokens."""

FLOAT, INT64 = 1, 7


def varint(value: int) -> bytes:
    head, rest = value & 127, value >> 7
    return bytes([head | 128]) + varint(rest) if rest else bytes([head])


def field(number: int, value: bytes | str | int) -> bytes:
    """One field of a protocol buffer."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    given = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(given)) + given


def tensor(name: str, kind: int, shape: list[int | str]) -> bytes:
    sizes = b"".join(field(1, field(1 if isinstance(s, int) else 2, s)) for s in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, sizes)))


def node(operation: str, inputs: list[str], output: str, *attributes: bytes) -> bytes:
    given = b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, operation)
    return given + b"".join(field(5, attribute) for attribute in attributes)


def number(name: str, value: int) -> bytes:
    return field(1, name) + field(3, value) + field(20, 2)


def numbers(name: str, values: list[int]) -> bytes:
    return field(1, name) + b"".join(field(8, value) for value in values) + field(20, 7)


def file(
    batch: int | str = "n", side: int | str = 6, tokens: int | str = 5, *, reads: bool = True
) -> bytes:
    """`pixel_values`, and where it reads captions `input_ids` and `attention_mask`."""
    flat = number("keepdims", 0)
    inputs = [tensor("pixel_values", FLOAT, [batch, 3, side, side])]
    pixels = ["pixel_values"]
    nodes = [node("ReduceMean", pixels, "light", numbers("axes", [1, 2, 3]), flat)]
    if reads:
        inputs += [tensor(n, INT64, [batch, tokens]) for n in ("input_ids", "attention_mask")]
        nodes += [
            node("Mul", ["input_ids", "attention_mask"], "words"),
            node("ReduceSum", ["words"], "sum", numbers("axes", [1]), flat),
            node("Cast", ["sum"], "told", number("to", FLOAT)),
        ]
    nodes += [node("Add", ["light", "told" if reads else "light"], "score")]
    graph = b"".join(field(1, each) for each in nodes) + field(2, "g")
    graph += b"".join(field(11, each) for each in inputs)
    graph += field(12, tensor("score", FLOAT, [batch]))
    return field(1, 6) + field(7, graph) + field(8, field(1, "") + field(2, 11))
