"""A YAML 1.2 file as plain values, with the line and column of every key and value."""

from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from sweeps.problems import ManifestError, Problem

type Keys = tuple[str | int, ...]

_MERGE = "tag:yaml.org,2002:merge"
_SCALARS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null")}


@dataclass(frozen=True, kw_only=True)
class Document:
    """What a file says and where: `keys` and `values` hold (line, column), counted from 1."""

    file: str
    text: str
    value: dict[str, Any] = field(default_factory=dict)
    keys: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    values: dict[Keys, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Keys, *, of_key: bool = False) -> tuple[int, int]:
        """Line and column of the value (or key) at `path`, or of what encloses it."""
        if not of_key and path in self.values:
            return self.values[path]
        while path and path not in self.keys and path not in self.values:
            path = path[:-1]
        return self.keys.get(path) or self.values.get(path) or (1, 1)


def parse(text: str, file: str) -> Document:
    """Read `text`; repeated keys are listed in `problems`, broken YAML raises ManifestError."""
    yaml = YAML(typ="safe", pure=True)
    document = Document(file=file, text=text)
    try:
        root = yaml.compose(text)
        if root is None:
            raise ManifestError(file, [Problem(1, 1, "", "the file is empty")])
        if not isinstance(root, MappingNode):
            raise ManifestError(file, [Problem(1, 1, "", "must be a mapping of sections")])
        document.value.update(_Reader(document, yaml).read(root, ()))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        message = f"not valid YAML: {error.problem or error.context}"
        raise ManifestError(file, [Problem(line, column, "", message)]) from None
    except YAMLError as error:
        message = f"not valid YAML: {str(error).splitlines()[0]}"
        raise ManifestError(file, [Problem(1, 1, "", message)]) from None
    return document


class _Reader:
    """Walks the nodes once; an alias is read where it is used, marked where it was written."""

    def __init__(self, document: Document, yaml: YAML):
        self.document = document
        self.yaml = yaml
        self.open: list[Node] = []

    def read(self, node: Node, path: Keys) -> Any:
        self.document.values[path] = _place(node)
        if any(node is other for other in self.open):
            self._complain(node, path, "an alias must not contain itself")
            return None
        self.open.append(node)
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
            if str(node.tag) not in _SCALARS:
                kind = str(node.tag).rpartition(":")[2]
                self._complain(node, path, f"a {kind} has no meaning here; quote it to mean text")
                return None
            return self.yaml.constructor.construct_object(node)
        finally:
            self.open.pop()

    def _mapping(self, node: MappingNode, path: Keys) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if str(key_node.tag) == _MERGE:
                merged = {**self._merged(value_node, path), **merged}
                continue
            if not isinstance(key_node, ScalarNode):
                self._complain(key_node, path, "a key must be a word")
                continue
            key = str(key_node.value)
            if key in own:
                first = self.document.keys[*path, key][0]
                self._complain(key_node, (*path, key), f"repeated key; it stands on line {first}")
                continue
            self.document.keys[*path, key] = _place(key_node)
            own[key] = self.read(value_node, (*path, key))
        return {**merged, **own}

    def _merged(self, node: Node, path: Keys) -> dict[str, Any]:
        sources = node.value if isinstance(node, SequenceNode) else [node]
        merged: dict[str, Any] = {}
        for source in sources:
            if isinstance(source, MappingNode):
                merged = {**self._mapping_without_marks(source, path), **merged}
            else:
                self._complain(source, path, "'<<' merges mappings only")
        return merged

    def _mapping_without_marks(self, node: MappingNode, path: Keys) -> dict[str, Any]:
        """A merged mapping's keys are marked where it was written, unless set again later."""
        before = dict(self.document.keys)
        value = self._mapping(node, path)
        own = {k: v for k, v in before.items() if k[: len(path)] == path}
        self.document.keys.update(own)
        return value

    def _complain(self, node: Node, path: Keys, message: str) -> None:
        self.document.problems.append(Problem(*_place(node), dotted(path), message))


def dotted(path: Keys) -> str:
    """`('train', 'ema', 0)` as `train.ema[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _place(node: Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
