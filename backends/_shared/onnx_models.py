"""The pointwise convolution and its gradients as ONNX models for ONNX Runtime's CPU provider."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared import gradients, halves
from pointwise_bench.backends._shared.activation import graphs as activation
from pointwise_bench.backends._shared.onnx_graph import ELEMENT_TYPES, Graph, Shapes
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


def model(p: Problem, weight: Array | None, bias: Array | None) -> bytes:
    """Inputs ``x``, ``dy`` and ``residual``, outputs ``y``, or ``dx``, or ``dw`` and ``db``, as the problem has them.

    The half precisions are cast to float32 first and back at the end: the provider has no kernels in them on x86.
    """
    import numpy as np

    graph, half = Graph(), p.dtype in halves.HALVES
    inputs, outputs = inputs_of(p), outputs_of(p)
    values = [graph.node("Cast", [name], to=ELEMENT_TYPES["float32"]) if half else name for name in inputs]
    wide, wide_bias = (each.astype(np.float32) if half and each is not None else each for each in (weight, bias))
    if wide is None:
        results = _weight_gradient(graph, p, *values)
    elif p.direction == "backward-input":
        inner = _forward(graph, gradients.exchanged(p), values[0], gradients.transposed(p, wide), None)
        results = [_spread(graph, p, inner)]
    else:
        results = [_forward(graph, p, values[0], wide, wide_bias, *values[1:])]
    for value, output in zip(results, outputs, strict=True):
        graph.name(graph.node("Cast", [value], to=ELEMENT_TYPES[p.dtype]) if half else value, output)
    return graph.model(p.dtype, inputs, outputs)


def inputs_of(p: Problem) -> Shapes:
    """Names and shapes of what the layer takes."""
    names = {"forward": ("x", "residual"), "backward-input": ("dy",), "backward-weight": ("x", "dy")}[p.direction]
    return dict(zip(names, p.input_shapes, strict=False))


def outputs_of(p: Problem) -> Shapes:
    """Names and shapes of what the layer returns."""
    if p.direction == "backward-weight":
        return {"dw": p.weight_shape} | ({"db": (p.out_channels,)} if p.bias else {})
    return {"y": p.output_shape} if p.direction == "forward" else {"dx": p.input_shape}


def _forward(graph: Graph, p: Problem, x: str, weight: Array, bias: Array | None, residual: str | None = None) -> str:
    """One ``Conv``; or a ``MatMul``, with a bias a ``Gemm``, where pixels are rows; or a ``MatMul`` for float64.

    The runtime's ``Conv`` knows float32 only. What stands around it brings the input into shape and back.
    """
    biases = [] if bias is None else [graph.constant(bias)]
    if p.layout == "nhwc" and p.groups == 1:
        value = _strided(graph, p, x)
        if bias is None:  # takes the pixels of a picture as rows by itself, but has no bias to fuse
            return _finished(graph, p, graph.node("MatMul", [value, graph.constant(weight.T)]), residual)
        value = graph.reshape(value, (p.pixels, p.in_channels))
        value = graph.node("Gemm", [value, graph.constant(weight), *biases], transB=1)
        if residual is not None:
            residual = graph.reshape(residual, (p.pixels, p.out_channels))
        return graph.reshape(_finished(graph, p, value, residual), p.output_shape)
    if residual is not None and p.layout == "nhwc":
        residual = graph.node("Transpose", [residual], perm=(0, 3, 1, 2))
    if p.dtype != "float64":
        value = x if p.layout == "nchw" else graph.node("Transpose", [x], perm=(0, 3, 1, 2))
        operands = [value, graph.constant(weight[:, :, None, None]), *biases]
        value = graph.node("Conv", operands, strides=(p.stride, p.stride), group=p.groups)
        value = _finished(graph, p, value, residual)
        return value if p.layout == "nchw" else graph.node("Transpose", [value], perm=(0, 2, 3, 1))
    channels, pixels = p.in_channels // p.groups, p.out_height * p.out_width
    value = _strided(graph, p, x)
    value = value if p.layout == "nchw" else graph.node("Transpose", [value], perm=(0, 3, 1, 2))
    value = graph.reshape(value, (p.batch, p.groups, channels, pixels))
    value = graph.node("MatMul", [graph.constant(weight.reshape(p.groups, -1, channels)), value])
    value = graph.reshape(value, (p.batch, p.out_channels, p.out_height, p.out_width))
    if bias is not None:
        value = graph.node("Add", [value, graph.constant(bias.reshape(-1, 1, 1))])
    value = _finished(graph, p, value, residual)
    return value if p.layout == "nchw" else graph.node("Transpose", [value], perm=(0, 2, 3, 1))


def _finished(graph: Graph, p: Problem, value: str, residual: str | None) -> str:
    """Residual and activation: nodes that the runtime fuses into a ``Conv`` before them, where it can."""
    value = value if residual is None else graph.node("Add", [value, residual])
    return activation.onnx(graph, p, value)


def _strided(graph: Graph, p: Problem, value: str) -> str:
    """Every stride-th pixel of a picture in the problem's layout; the value itself where the stride is 1."""
    if p.stride == 1:
        return value
    axes = (2, 3) if p.layout == "nchw" else (1, 2)
    bounds = [(0, 0), (p.height, p.width), axes, (p.stride, p.stride)]  # starts, ends, axes, steps
    return graph.node("Slice", [value, *(graph.integers(each) for each in bounds)])


def _spread(graph: Graph, p: Problem, value: str) -> str:
    """The pixels that the stride reads, with zeros between them: an axis of length 1 behind each is padded to it."""
    if p.stride == 1:
        return value
    n, c, h, w, step = p.batch, p.in_channels, p.out_height, p.out_width, p.stride
    nchw = p.layout == "nchw"
    apart = (n, c, h, 1, w, 1) if nchw else (n, h, 1, w, 1, c)
    ends = (0, 0, 0, step - 1, 0, step - 1) if nchw else (0, 0, step - 1, 0, step - 1, 0)
    value = graph.node("Pad", [graph.reshape(value, apart), graph.integers((0,) * 6 + ends)])
    value = graph.reshape(value, (n, c, h * step, w * step) if nchw else (n, h * step, w * step, c))
    cut = [(0, 0), (p.height, p.width), (2, 3) if nchw else (1, 2)]  # starts, ends, axes
    return graph.node("Slice", [value, *(graph.integers(each) for each in cut)])


def _weight_gradient(graph: Graph, p: Problem, x: str, dy: str) -> list[str]:
    """A ``MatMul`` for every image and group, summed over images; in NHWC the pixels of all images are one axis."""
    outs, ins, pixels = p.out_channels // p.groups, p.in_channels // p.groups, p.out_height * p.out_width
    if p.layout == "nchw":
        rows = graph.reshape(_strided(graph, p, x), (p.batch, p.groups, ins, pixels))
        rows = graph.node("Transpose", [rows], perm=(0, 1, 3, 2))
        columns = graph.reshape(dy, (p.batch, p.groups, outs, pixels))
        dw = graph.node("MatMul", [columns, rows])
        dw = graph.node("ReduceSum", [dw, graph.integers((0,))], keepdims=0) if p.batch > 1 else dw
    else:
        rows = graph.node(
            "Transpose", [graph.reshape(_strided(graph, p, x), (p.pixels, p.groups, ins))], perm=(1, 0, 2)
        )
        columns = graph.node("Transpose", [graph.reshape(dy, (p.pixels, p.groups, outs))], perm=(1, 2, 0))
        dw = graph.node("MatMul", [columns, rows])
    db = [graph.node("ReduceSum", [dy, graph.integers(gradients.pixel_axes(p))], keepdims=0)] if p.bias else []
    return [graph.reshape(dw, p.weight_shape), *db]


def view(array: Array) -> Any:
    """A tensor of the array's own memory."""
    from onnxruntime import OrtValue

    if array.dtype.name != "bfloat16":
        return OrtValue.ortvalue_from_numpy(array)
    # Of ml_dtypes, which the runtime does not know: the bits are the same.
    return OrtValue.ortvalue_from_numpy_with_onnx_type(array.view("int16"), ELEMENT_TYPES["bfloat16"])
