"""From an ONNX file to the operations of its model: sizes, names, and what each node is."""

from __future__ import annotations

import mmap
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Final

from pointwise_bench.harvest.dataflow import ADD, ADD_CONSTANT, BATCH_NORM, MULTIPLY, NO_CHANGE, Node, with_what_follows
from pointwise_bench.harvest.onnx_file.known import Known, Shape
from pointwise_bench.harvest.onnx_file.records import (
    DTYPES,
    GraphRecord,
    ModelRecord,
    NodeRecord,
    TensorRecord,
    model_of,
)
from pointwise_bench.harvest.onnx_file.shapes import shape_of, shapes_of_parts
from pointwise_bench.harvest.onnx_file.small_values import numbers_of
from pointwise_bench.harvest.onnx_file.windows import slid, window_of
from pointwise_bench.harvest.onnx_file.wire import Damaged
from pointwise_bench.harvest.operations import (
    Convolution,
    HarvestedModel,
    HarvestError,
    Linear,
    Operation,
    OtherProduct,
)

_QUANTISED: Final = ("ConvInteger", "QLinearConv", "MatMulInteger", "QLinearMatMul", "QGemm", "DynamicQuantizeMatMul")
_UNKNOWN_PRODUCTS: Final = (
    "DeformConv",
    "LSTM",
    "GRU",
    "RNN",
    "Attention",
    "MultiHeadAttention",
    "FusedConv",
    "FusedMatMul",
)
_WORDS: Final = {
    "Relu": "relu",
    "Sigmoid": "sigmoid",
    "HardSigmoid": "hardsigmoid",
    "HardSwish": "hardswish",
    "LeakyRelu": "leaky_relu",
    "PRelu": "prelu",
    "Elu": "elu",
    "Selu": "selu",
    "Celu": "celu",
    "Gelu": "gelu",
    "Mish": "mish",
    "Tanh": "tanh",
    "Softplus": "softplus",
    "Swish": "silu",
    "Erf": "erf",
    "Mul": MULTIPLY,
    "BatchNormalization": BATCH_NORM,
    **dict.fromkeys(("Identity", "Dropout", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze"), NO_CHANGE),
    "Cast": NO_CHANGE,
}
_NAMELESS: Final = ("?", "None")
"""What exporters write for a size that they do not know; two of them in a file are not one size."""


def from_file(path: Path, title: str, dims: Mapping[str, int]) -> HarvestedModel:
    """The operations of the model in ``path``; ``dims`` are sizes that it leaves open. Raises ``HarvestError``."""
    try:
        with path.open("rb") as file:
            # Closed when nobody holds a part of it any more: the frames of an error do.
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        record = model_of(memoryview(content))
    except Damaged as damage:
        raise HarvestError(f"{title}: is no ONNX file, or a damaged one: {damage}") from None
    return _Walk(record, title, dims).model()


class _Walk:
    """One pass through a file's nodes, in their order, which ONNX has sorted."""

    def __init__(self, record: ModelRecord, title: str, dims: Mapping[str, int]) -> None:
        self._record, self._title, self._dims = record, title, dims
        self._known = Known()
        self._nodes: list[Node] = []

    def model(self) -> HarvestedModel:
        graph = self._record.graph
        self._take_constants(graph)
        sizes = self._take_inputs(graph)
        self._walk(graph)
        details = f"input {', '.join(sizes)}" if sizes else ""
        return HarvestedModel(self._title, details, with_what_follows(self._nodes, graph.outputs))

    def _take_constants(self, graph: GraphRecord) -> None:
        for name, tensor in graph.constants.items():
            self._known.note(name, tensor.shape)
            self._known.dtypes[name] = tensor.dtype
            self._known.constants.add(name)
            self._note_content(name, tensor)

    def _note_content(self, name: str, tensor: TensorRecord) -> None:
        if tensor.values is not None:
            self._known.note_numbers(name, tensor.values)
        self._known.reals[name] = tensor.reals
        if tensor.scalar is not None:
            self._known.scalars[name] = tensor.scalar

    def _take_inputs(self, graph: GraphRecord) -> list[str]:
        """Note the sizes of the inputs. All that are left open are named in one message."""
        missing: list[str] = []
        texts: list[str] = []
        for name in graph.inputs:
            if name in graph.constants or name not in graph.stated:
                continue
            sizes = []
            for axis, size in enumerate(graph.stated[name]):
                asked = size if isinstance(size, str) and size not in _NAMELESS else f"{name}.{axis}"
                sizes.append(size if isinstance(size, int) else self._dims.get(asked, 0))
                if not sizes[-1]:
                    missing.append(asked)
            self._known.note(name, tuple(sizes))
            self._known.dtypes[name] = graph.dtypes.get(name, "float32")
            texts.append("x".join(map(str, sizes)) or "a number")
        if missing:
            asked = " ".join(f"--dim {name}=SIZE" for name in dict.fromkeys(missing))
            raise HarvestError(f"{self._title}: sizes of its inputs are left open: give {asked}")
        return texts

    def _walk(self, graph: GraphRecord) -> None:
        for node in graph.nodes:
            self._note_shapes(node, graph)
            operation = self._operation(node)
            self._nodes.append(Node(self._word(node), self._reads(node), node.gives, operation))
            if node.kind == "If":
                self._walk_branches(node.graphs)
                continue
            for inner in node.graphs:  # a loop's body is counted once
                self._take_constants(inner)
                self._walk(inner)

    def _walk_branches(self, branches: Sequence[GraphRecord]) -> None:
        """A pass takes one of them: that with most multiply-adds is counted, and what is in the others only named."""
        found: list[list[Node]] = []
        for branch in branches:
            begin = len(self._nodes)
            self._take_constants(branch)
            self._walk(branch)
            found.append(self._nodes[begin:])
            del self._nodes[begin:]
        sizes = [sum(node.operation.macs or 0 for node in nodes if node.operation is not None) for nodes in found]
        for number, nodes in enumerate(found):
            self._nodes += nodes if number == sizes.index(max(sizes)) else _passed_over(nodes)

    def _note_shapes(self, node: NodeRecord, graph: GraphRecord) -> None:
        known = self._known
        shape = shape_of(node, known)
        if shape is not None and node.gives:
            known.note(node.gives[0], shape)
        for name, part in zip(node.gives, shapes_of_parts(node, known) if node.kind == "Split" else (), strict=False):
            known.note(name, part)
        for name in node.gives:
            if name not in known.shapes and (stated := self._stated(graph, name)) is not None:
                known.note(name, stated)
        if node.gives and (numbers := numbers_of(node, known)) is not None:
            known.note_numbers(node.gives[0], numbers)
        if node.kind == "Constant" and node.gives:
            for tensor in node.tensors.values():
                self._note_content(node.gives[0], tensor)
        if node.kind == "Constant" or (node.reads and all(name in known.constants for name in node.reads if name)):
            known.constants.update(node.gives)
        dtype = self._dtype(node)
        for name in node.gives:
            known.dtypes[name] = graph.dtypes.get(name, dtype)

    def _stated(self, graph: GraphRecord, name: str) -> Shape | None:
        """The shape that the file states for a value, with the sizes that were asked for."""
        stated = [None if size in _NAMELESS else size for size in graph.stated.get(name, (None,))]
        sizes = [self._dims.get(size) if isinstance(size, str) else size for size in stated]
        return None if any(size is None for size in sizes) else tuple(size for size in sizes if size is not None)

    def _dtype(self, node: NodeRecord) -> str:
        if node.kind == "Cast":
            return DTYPES.get(node.ints.get("to", (0,))[0], "another type")
        if node.kind == "Constant" and "value" in node.tensors:
            return node.tensors["value"].dtype
        return self._known.dtypes.get(node.reads[0], "float32") if node.reads else "float32"

    # --- what a node is -------------------------------------------------------------------------------------------

    def _word(self, node: NodeRecord) -> str:
        if node.kind == "Clip":
            return self._clip(node)
        if node.kind == "Gelu" and node.texts.get("approximate", "none") != "none":
            return "gelu_tanh"
        if node.kind == "HardSigmoid" and abs(node.floats.get("alpha", 0.2) - 1 / 6) > 1e-4:
            return "steep_hardsigmoid"  # ONNX has a slope of its own as default, which makes no hard-swish
        if node.kind == "Add" and any(name in self._known.constants for name in node.reads):
            return ADD_CONSTANT
        if node.kind == "Add" and len(node.reads) == 2 and self._are_alike(node):
            return ADD
        return _WORDS.get(node.kind, node.kind)

    def _are_alike(self, node: NodeRecord) -> bool:
        """Whether two values are known to have one shape."""
        one, other = (self._known.shapes.get(name) for name in node.reads)
        return one is not None and one == other

    def _clip(self, node: NodeRecord) -> str:
        """A ReLU6 as ONNX writes it."""
        bounds = [node.floats.get("min"), node.floats.get("max")]
        for index, name in enumerate(node.reads[1:3]):
            bounds[index] = self._known.scalars.get(name, bounds[index])
        return {(0.0, 6.0): "relu6", (0.0, None): "relu"}.get((bounds[0] or 0.0, bounds[1]), "clamp")

    def _reads(self, node: NodeRecord) -> tuple[str, ...]:
        """Without constants: who alone reads a value is told by values that change."""
        return tuple(name for name in node.reads if name and name not in self._known.constants)

    def _operation(self, node: NodeRecord) -> Operation | None:
        if node.kind in ("Conv", "ConvTranspose"):
            return self._convolution(node)
        if node.kind in ("MatMul", "Gemm"):
            return self._product(node)
        if node.kind == "Einsum":
            return OtherProduct(name=self._name(node), what="einsum", macs=None)
        if node.kind in _QUANTISED:
            return OtherProduct(name=self._name(node), what=f"quantised layer ({node.kind})", macs=None)
        if node.kind in _UNKNOWN_PRODUCTS or node.kind in self._record.functions:
            return OtherProduct(name=self._name(node), what=f"node {node.kind}, which is not looked into", macs=None)
        return None

    def _name(self, node: NodeRecord) -> str:
        """The weight's, where it has the name of a parameter, else the node's or its result's."""
        weights = [name for name in node.reads[1:2] if name.endswith(".weight") and name in self._known.constants]
        if weights:
            return weights[0].removesuffix(".weight")
        return _path(node.name.removesuffix(f"/{node.kind}")) or (node.gives[0] if node.gives else node.kind)

    def _unknown(self, node: NodeRecord, what: str) -> OtherProduct:
        return OtherProduct(name=self._name(node), what=f"{what} whose sizes the file does not tell", macs=None)

    def _convolution(self, node: NodeRecord) -> Operation:
        known = self._known
        try:
            (batch, channels, *image), (rows, columns, *kernel) = known.shape(node), known.shape(node, 1)
            window = window_of(node, tuple(kernel), tuple(image))
            groups = node.ints.get("group", (1,))[0]
            transposed = node.kind == "ConvTranspose"
            fits = channels == (rows if transposed else columns * groups) and groups > 0
            if not fits or len(image) != len(kernel) or not len(image) == len(window.stride) == len(window.begin):
                return self._unknown(node, "convolution")
            return Convolution(
                name=self._name(node),
                batch=batch,
                in_channels=channels,
                image=tuple(image),
                out_channels=columns * groups if transposed else rows,
                kernel=tuple(kernel),
                stride=window.stride,
                padding=(*window.begin, *window.end),
                out_image=tuple(image) if transposed else slid(window, tuple(image)),
                groups=groups,
                bias=len(node.reads) > 2 and node.reads[2] != "",
                dtype=known.dtypes.get(node.reads[0], "float32"),
                transposed=transposed,
            )
        except (LookupError, ValueError):
            return self._unknown(node, "convolution")

    def _product(self, node: NodeRecord) -> Operation:
        known = self._known
        try:
            left, right = known.shape(node), known.shape(node, 1)
            if node.kind == "Gemm" and node.ints.get("transA", (0,))[0]:
                left = left[::-1]
            if node.reads[1] not in known.constants or len(right) != 2:  # a matrix
                macs = prod(known.shapes[node.gives[0]]) * left[-1]
                return OtherProduct(name=self._name(node), what="product of two activations", macs=macs)
            outputs = right[0] if node.kind == "Gemm" and node.ints.get("transB", (0,))[0] else right[1]
            return Linear(
                name=self._name(node),
                input_shape=left,
                out_features=outputs,
                bias=node.kind == "Gemm" and len(node.reads) > 2,
                dtype=known.dtypes.get(node.reads[0], "float32"),
            )
        except (LookupError, ValueError):
            return self._unknown(node, "matrix product")


def _passed_over(nodes: Sequence[Node]) -> list[Node]:
    """Its operations by name; nobody reads what they would give."""
    what = "operation in the smaller branch of an If"
    names = [node.operation.name for node in nodes if node.operation is not None]
    return [Node("passed over", (), (), OtherProduct(name=name, what=what, macs=0)) for name in names]


def _path(name: str) -> str:
    """``layer1.0.conv1`` of a scope such as ``/layer1/layer1.0/conv1``, in which a list's items repeat its name."""
    parts: list[str] = []
    before = ""
    for part in filter(None, name.split("/")):
        if before and part.startswith(f"{before}."):
            parts.pop()
        parts.append(part)
        before = part
    return ".".join(parts)
