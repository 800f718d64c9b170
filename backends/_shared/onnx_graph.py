"""ONNX models, written without the onnx package.

ONNX files are protocol buffers (https://protobuf.dev/programming-guides/encoding): a message is a row of fields, each
a number that names it, with its content behind. The field numbers are those of onnx.proto, and stand next to their use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

Shapes = dict[str, tuple[int, ...]]

IR_VERSION, OPSET = 8, 17  # of 2022: every version of ONNX Runtime that runs on a current Python reads them
ELEMENT_TYPES = {"float32": 1, "float64": 11, "float16": 10, "bfloat16": 16, "int64": 7}  # TensorProto.DataType
ATTRIBUTE_INT, ATTRIBUTE_INTS = 2, 7  # AttributeProto.AttributeType


class Graph:
    """Nodes and constants, encoded as they are added. Values go by names."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, array: Array) -> str:
        """A tensor inside the model (TensorProto: dims 1, data_type 2, name 8, raw_data 9)."""
        name = f"constant{len(self._constants)}"
        dims = b"".join(_number(1, size) for size in array.shape)
        kind = _number(2, ELEMENT_TYPES[str(array.dtype)])
        self._constants.append(dims + kind + _field(8, name.encode()) + _field(9, array.tobytes()))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: int | tuple[int, ...]) -> str:
        """One operation; the name of its output (NodeProto: input 1, output 2, op_type 4, attribute 5)."""
        output = f"value{len(self._nodes)}"
        body = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
        body += _field(4, kind.encode())
        body += b"".join(_field(5, _attribute(name, value)) for name, value in attributes.items())
        self._nodes.append(body)
        return output

    def reshape(self, value: str, shape: tuple[int, ...]) -> str:
        """The same memory in another shape."""
        return self.node("Reshape", [value, self.integers(shape)])

    def name(self, value: str, output: str) -> None:
        """Call a value by the name of an output of the model."""
        self._nodes.append(_field(1, value.encode()) + _field(2, output.encode()) + _field(4, b"Identity"))

    def model(self, dtype: str, inputs: Shapes, outputs: Shapes) -> bytes:
        """The whole file (ModelProto: ir_version 1, graph 7, opset_import 8; GraphProto: node 1, name 2, ...)."""
        graph = b"".join(_field(1, node) for node in self._nodes) + _field(2, b"pointwise")
        graph += b"".join(_field(5, constant) for constant in self._constants)
        graph += b"".join(_field(11, _value(name, dtype, shape)) for name, shape in inputs.items())
        graph += b"".join(_field(12, _value(name, dtype, shape)) for name, shape in outputs.items())
        return _number(1, IR_VERSION) + _field(7, graph) + _field(8, _number(2, OPSET))

    def integers(self, values: tuple[int, ...]) -> str:
        """A constant of whole numbers: shapes, axes and the like."""
        import numpy as np

        return self.constant(np.array(values, np.int64))


def _value(name: str, dtype: str, shape: tuple[int, ...]) -> bytes:
    """ValueInfoProto: name 1, type 2 > tensor_type 1 > elem_type 1, shape 2 > dim 1 > dim_value 1."""
    dims = b"".join(_field(1, _number(1, size)) for size in shape)
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, ELEMENT_TYPES[dtype]) + _field(2, dims)))


def _attribute(name: str, value: int | tuple[int, ...]) -> bytes:
    """AttributeProto: name 1, i 3, ints 8, type 20."""
    if isinstance(value, int):
        return _field(1, name.encode()) + _number(3, value) + _number(20, ATTRIBUTE_INT)
    return _field(1, name.encode()) + b"".join(_number(8, each) for each in value) + _number(20, ATTRIBUTE_INTS)


def _number(field: int, value: int) -> bytes:
    """A field of wire type 0: a number that is not negative."""
    return _varint(field << 3) + _varint(value)


def _field(field: int, content: bytes) -> bytes:
    """A field of wire type 2: bytes, text or another message, behind its length."""
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Seven bits to a byte, the lowest first; the top bit says that more follow."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*encoded, value])
