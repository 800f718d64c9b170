"""The messages of ONNX, as far as layers are concerned: graphs, nodes, attributes, tensors without weights."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pointwise_bench.harvest.onnx_file.wire import Damaged, bytes_of, fields_of, numbers, real, text, whole

MOST_NODES: Final = 200_000
"""In a file, subgraphs included; a damaged one could hold as many as it has bytes."""
MOST_NAMES: Final = 400_000
"""Of tensors that are read, given, constant or stated, each time that they are named."""
MOST_DEPTH: Final = 8
"""Of graphs within attributes."""
MOST_REALS: Final = 8
"""Of a tensor of real numbers that is kept: a factor for each dimension of an image, or a single one."""
MOST_VALUES: Final = 1024
"""Of a tensor that may be a list of sizes; longer ones are weights, and stay in the file."""

DTYPES: Final = {
    1: "float32",
    10: "float16",
    11: "float64",
    16: "bfloat16",
    2: "uint8",
    3: "int8",
    6: "int32",
    7: "int64",
}
_INT32, _INT64 = 6, 7

Dimension = int | str | None
"""A size, the name of one, or neither."""


@dataclass(frozen=True)
class TensorRecord:
    """A constant: its shape and type, and its values where they are few whole numbers."""

    shape: tuple[int, ...]
    dtype: str
    values: tuple[int, ...] | None
    reals: tuple[float, ...] = ()
    """Of single precision, where they are a few."""

    @property
    def scalar(self) -> float | None:
        """The only real number."""
        return self.reals[0] if len(self.reals) == 1 else None


@dataclass
class NodeRecord:
    """A node and its attributes."""

    kind: str
    name: str
    reads: tuple[str, ...]
    gives: tuple[str, ...]
    domain: str = ""
    ints: dict[str, tuple[int, ...]] = field(default_factory=dict)
    floats: dict[str, float] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    tensors: dict[str, TensorRecord] = field(default_factory=dict)
    graphs: list[GraphRecord] = field(default_factory=list)


@dataclass
class GraphRecord:
    """A graph: its nodes in order, its constants, and the shapes that the file states."""

    nodes: list[NodeRecord] = field(default_factory=list)
    constants: dict[str, TensorRecord] = field(default_factory=dict)
    inputs: list[str] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    stated: dict[str, tuple[Dimension, ...]] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)


@dataclass
class ModelRecord:
    """A file."""

    graph: GraphRecord
    producer: str
    functions: list[str]
    """Names of the functions that the file defines itself."""


class _Reader:
    """Reads a file, and counts how much of it there is."""

    def __init__(self) -> None:
        self._nodes = 0
        self._names = 0

    def graph(self, message: memoryview, depth: int) -> GraphRecord:
        if depth > MOST_DEPTH:
            raise Damaged(f"graphs within graphs, more than {MOST_DEPTH} deep")
        graph = GraphRecord()
        for number, content in fields_of(message):
            if number == 1:
                graph.nodes.append(self._node(bytes_of(content), depth))
            elif number == 5:
                self._one_more_name()
                name, tensor = _tensor(bytes_of(content))
                graph.constants[name] = tensor
            elif number in (11, 12, 13):
                self._one_more_name()
                name = _value(bytes_of(content), graph)
                if number != 13:
                    (graph.inputs if number == 11 else graph.outputs).append(name)
        return graph

    def _node(self, message: memoryview, depth: int) -> NodeRecord:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise Damaged(f"more than {MOST_NODES} nodes")
        reads: list[str] = []
        gives: list[str] = []
        node = NodeRecord("", "", (), ())
        for number, content in fields_of(message):
            if number in (1, 2):
                self._one_more_name()
                (reads if number == 1 else gives).append(text(content))
            elif number == 3:
                node.name = text(content)
            elif number == 4:
                node.kind = text(content)
            elif number == 5:
                self._attribute(bytes_of(content), node, depth)
            elif number == 7:
                node.domain = text(content)
        node.reads, node.gives = tuple(reads), tuple(gives)
        return node

    def _one_more_name(self) -> None:
        self._names += 1
        if self._names > MOST_NAMES:
            raise Damaged(f"more than {MOST_NAMES:,} names of tensors, which no model has")

    def _attribute(self, message: memoryview, node: NodeRecord, depth: int) -> None:
        parts = list(fields_of(message))
        name = next((text(content) for number, content in parts if number == 1), "")
        ints: list[int] = []
        for number, content in parts:
            if number == 2:
                node.floats[name] = real(content)
            elif number == 3:
                node.ints[name] = (whole(content),)
            elif number == 4:
                node.texts[name] = text(content)
            elif number == 5:
                node.tensors[name] = _tensor(bytes_of(content))[1]
            elif number in (6, 11):
                node.graphs.append(self.graph(bytes_of(content), depth + 1))
            elif number == 8:
                ints += numbers(content)
        if ints:
            node.ints[name] = tuple(ints)


def model_of(content: memoryview) -> ModelRecord:
    """The file's graph. Raises ``Damaged``."""
    reader, graph, producer, functions = _Reader(), None, "", []
    for number, part in fields_of(content):
        if number == 7:
            graph = reader.graph(bytes_of(part), 0)
        elif number == 2:
            producer = text(part)
        elif number == 25:
            functions += [text(name) for key, name in fields_of(bytes_of(part)) if key == 1]
    if graph is None or not graph.nodes:
        raise Damaged("it holds no graph")
    return ModelRecord(graph, producer, functions)


def _tensor(message: memoryview) -> tuple[str, TensorRecord]:
    name, shape, code, raw = "", [], 0, None
    values: list[int] = []
    singles: list[float] = []
    for number, content in fields_of(message):
        if number == 1:
            shape += numbers(content)
        elif number == 2:
            code = whole(content)
        elif number == 8:
            name = text(content)
        elif number == 9:
            raw = bytes_of(content)
        elif number in (5, 7) and _is_short(content):
            values += numbers(content)
        elif number == 4 and not isinstance(content, int) and len(content) <= 4 * MOST_REALS:
            singles += _singles(content)
    if raw is not None and not values and code in (_INT32, _INT64) and len(raw) <= 8 * MOST_VALUES:
        values = list(_unpacked(raw, 8 if code == _INT64 else 4))
    if raw is not None and code == 1 and len(raw) <= 4 * MOST_REALS:
        singles = _singles(raw)
    few = tuple(values) if code in (_INT32, _INT64) and _is_filled(shape, len(values)) else None
    reals = tuple(singles) if len(singles) <= MOST_REALS else ()
    return name, TensorRecord(tuple(shape), DTYPES.get(code, f"type {code}"), few, reals)


def _is_short(content: int | memoryview) -> bool:
    return isinstance(content, int) or len(content) <= 10 * MOST_VALUES


def _is_filled(shape: list[int], count: int) -> bool:
    """Whether the values are all: an empty list has none, and weights in another file have none here."""
    size = 1
    for each in shape:
        size *= max(each, 0)
    return size == count <= MOST_VALUES


def _singles(raw: memoryview) -> list[float]:
    if len(raw) % 4:
        raise Damaged("a tensor whose bytes do not come out even")
    return [real(raw[place : place + 4]) for place in range(0, len(raw), 4)]


def _unpacked(raw: memoryview, size: int) -> Iterator[int]:
    if len(raw) % size:
        raise Damaged("a tensor whose bytes do not come out even")
    yield from struct.unpack(f"<{len(raw) // size}{'q' if size == 8 else 'i'}", raw)


def _value(message: memoryview, graph: GraphRecord) -> str:
    """Note the shape that is stated for a value; returns its name."""
    name, shape, code = "", None, 0
    for number, content in fields_of(message):
        if number == 1:
            name = text(content)
        elif number == 2:
            for kind, tensor in fields_of(bytes_of(content)):
                if kind == 1:
                    code, shape = _tensor_type(bytes_of(tensor))
    if shape is not None:
        graph.stated[name] = shape
    if code:
        graph.dtypes[name] = DTYPES.get(code, f"type {code}")
    return name


def _tensor_type(message: memoryview) -> tuple[int, tuple[Dimension, ...] | None]:
    code, shape = 0, None
    for number, content in fields_of(message):
        if number == 1:
            code = whole(content)
        elif number == 2:
            shape = tuple(_dimension(bytes_of(each)) for key, each in fields_of(bytes_of(content)) if key == 1)
    return code, shape


def _dimension(message: memoryview) -> Dimension:
    found: Dimension = None
    for number, content in fields_of(message):
        if number == 1:
            found = whole(content)
        elif number == 2:
            found = text(content)
    return found if found != "" and (isinstance(found, str) or (found or 0) > 0) else None
