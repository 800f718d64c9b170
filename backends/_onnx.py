"""A pointwise convolution as an ONNX model, written without the onnx package.

ONNX files are protocol buffers (https://protobuf.dev/programming-guides/encoding): a message is a row of fields, each
a number that names it, with its content behind. The field numbers are those of onnx.proto, and stand next to their use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.problem import Problem

if TYPE_CHECKING:
    from backends.backend import Array

IR_VERSION, OPSET = 8, 17  # of 2022: every version of ONNX Runtime that runs on a current Python reads them
ELEMENT_TYPES = {"float32": 1, "float64": 11, "int64": 7}  # TensorProto.DataType
ATTRIBUTE_INT, ATTRIBUTE_INTS = 2, 7  # AttributeProto.AttributeType


def pointwise_model(problem: Problem, weight: Array, bias: Array | None) -> bytes:
    """A model with input ``x`` of ``problem.input_shape`` and output ``y`` of ``problem.output_shape``.

    One ``Conv``; or one ``MatMul``, with a bias one ``Gemm``, over pixels where they are rows; or a ``MatMul`` for
    float64, as the runtime's ``Conv`` knows float32 only. What stands around it brings the input into shape and back.
    """
    p, graph = problem, _Graph(problem)
    if p.layout == "nhwc" and p.groups == 1:
        value = graph.strided("x", axes=(1, 2))
        if bias is None:  # takes the pixels of a picture as rows by itself, but has no bias to fuse
            value = graph.node("MatMul", [value, graph.constant(weight.T)])
            graph.finish(graph.relu(value))
            return graph.model()
        value = graph.reshape(value, (p.pixels, p.in_channels))
        value = graph.node("Gemm", [value, *graph.weights(weight, bias)], transB=1)
        graph.finish(graph.reshape(graph.relu(value), p.output_shape))
        return graph.model()
    value = "x" if p.layout == "nchw" else graph.node("Transpose", ["x"], perm=(0, 3, 1, 2))
    if p.dtype == "float32":
        kernel = weight[:, :, None, None]
        strides = (p.stride, p.stride)
        value = graph.node("Conv", [value, *graph.weights(kernel, bias)], strides=strides, group=p.groups)
    else:
        channels, pixels = p.in_channels // p.groups, p.out_height * p.out_width
        value = graph.reshape(graph.strided(value, axes=(2, 3)), (p.batch, p.groups, channels, pixels))
        kernels = graph.constant(weight.reshape(p.groups, -1, channels))
        value = graph.node("MatMul", [kernels, value])
        value = graph.reshape(value, (p.batch, p.out_channels, p.out_height, p.out_width))
        if bias is not None:
            value = graph.node("Add", [value, graph.constant(bias.reshape(-1, 1, 1))])
    value = graph.relu(value)
    graph.finish(value if p.layout == "nchw" else graph.node("Transpose", [value], perm=(0, 2, 3, 1)))
    return graph.model()


class _Graph:
    """Nodes and constants, encoded as they are added. Values go by names."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, array: Array) -> str:
        """A tensor inside the model (TensorProto: dims 1, data_type 2, name 8, raw_data 9)."""
        name = f"constant{len(self._constants)}"
        dims = b"".join(_number(1, size) for size in array.shape)
        kind = _number(2, ELEMENT_TYPES[str(array.dtype)])
        self._constants.append(dims + kind + _field(8, name.encode()) + _field(9, array.tobytes()))
        return name

    def weights(self, weight: Array, bias: Array | None) -> list[str]:
        """The constants that a layer takes after its input."""
        return [self.constant(each) for each in (weight, bias) if each is not None]

    def node(self, kind: str, inputs: list[str], **attributes: int | tuple[int, ...]) -> str:
        """One operation; the name of its output (NodeProto: input 1, output 2, op_type 4, attribute 5)."""
        output = f"value{len(self._nodes)}"
        body = b"".join(_field(1, name.encode()) for name in inputs) + _field(2, output.encode())
        body += _field(4, kind.encode())
        body += b"".join(_field(5, _attribute(name, value)) for name, value in attributes.items())
        self._nodes.append(body)
        return output

    def relu(self, value: str) -> str:
        """The activation, where the problem has one."""
        return self.node("Relu", [value]) if self._problem.activation == "relu" else value

    def reshape(self, value: str, shape: tuple[int, ...]) -> str:
        """The same memory in another shape."""
        return self.node("Reshape", [value, self._integers(shape)])

    def strided(self, value: str, axes: tuple[int, int]) -> str:
        """Every stride-th pixel along the two axes; the value itself where the stride is 1."""
        step = self._problem.stride
        if step == 1:
            return value
        bounds = [(0, 0), (self._problem.height, self._problem.width), axes, (step, step)]  # starts, ends, axes, steps
        return self.node("Slice", [value, *(self._integers(each) for each in bounds)])

    def finish(self, value: str) -> None:
        """Name the result."""
        self._nodes.append(_field(1, value.encode()) + _field(2, b"y") + _field(4, b"Identity"))

    def model(self) -> bytes:
        """The whole file (ModelProto: ir_version 1, graph 7, opset_import 8; GraphProto: node 1, name 2, ...)."""
        p = self._problem
        graph = b"".join(_field(1, node) for node in self._nodes) + _field(2, b"pointwise")
        graph += b"".join(_field(5, constant) for constant in self._constants)
        graph += _field(11, _value("x", p.dtype, p.input_shape)) + _field(12, _value("y", p.dtype, p.output_shape))
        return _number(1, IR_VERSION) + _field(7, graph) + _field(8, _number(2, OPSET))

    def _integers(self, values: tuple[int, ...]) -> str:
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
