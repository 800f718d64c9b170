"""The pointwise convolution and its gradients as OpenVINO models."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared import gradients
from pointwise_bench.backends._shared.activation import graphs as activation
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

WINDOW = {"pads_begin": [0, 0], "pads_end": [0, 0], "dilations": [1, 1]}


def refuses(p: Problem) -> str | None:
    """bfloat16 that is computed piece by piece, and an odd number of terms in it.

    There oneDNN multiplies a neighbour's values by zero to make a pair.
    """
    if p.dtype == "bfloat16" and not _has_bfloat16():
        return "on a processor without AVX-512 OpenVINO rounds to bfloat16 between products, sums and bias"
    if p.dtype == "bfloat16" and p.direction != "backward-weight" and p.reduction_length % 2:
        return "oneDNN's bfloat16 sums of an odd number of channels take in NaN and infinity of a neighbouring pixel"
    return None


@cache
def _has_bfloat16() -> bool:
    """Whether the plug-in has kernels for it here, which take the sums in float32."""
    import openvino as ov

    return "BF16" in ov.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def element_type(p: Problem) -> Any:
    """OpenVINO's name for the problem's element type."""
    import openvino as ov

    return {"float32": ov.Type.f32, "float16": ov.Type.f16, "bfloat16": ov.Type.bf16}[p.dtype]


def model(p: Problem, weight: Array | None, bias: Array | None) -> Any:
    """The model of the problem's direction; two results for the gradients of weights and bias."""
    import openvino as ov
    from openvino import opset13 as ops

    if weight is None:
        x, dy = (ops.parameter(list(shape), element_type(p)) for shape in (p.input_shape, p.output_shape))
        return ov.Model(_weight_gradient(p, x, dy), [x, dy], "pointwise")
    inputs = [ops.parameter(list(shape), element_type(p)) for shape in p.input_shapes]
    planes = [each if p.layout == "nchw" else ops.transpose(each, [0, 3, 1, 2]) for each in inputs]
    if p.direction == "forward":
        y = _forward(p, planes[0], weight, bias, *planes[1:])
    else:
        y = _forward(gradients.exchanged(p), planes[0], gradients.transposed(p, weight), None)
        y = y if p.stride == 1 else _spread(p, y)
    return ov.Model([y if p.layout == "nchw" else ops.transpose(y, [0, 2, 3, 1])], inputs, "pointwise")


def _forward(p: Problem, planes: Any, weight: Array, bias: Array | None, residual: Any = None) -> Any:
    """``Convolution`` or ``GroupConvolution``, ``Add`` once or twice and the activation, in NCHW."""
    from openvino import opset13 as ops

    window = WINDOW | {"strides": [p.stride] * 2}
    if p.groups == 1:
        y = ops.convolution(planes, _constant(weight[:, :, None, None]), **window)
    else:
        kernels = weight.reshape(p.groups, -1, p.in_channels // p.groups, 1, 1)
        y = ops.group_convolution(planes, _constant(kernels), **window)
    if bias is not None:
        y = ops.add(y, _constant(bias.reshape(1, -1, 1, 1)))
    if residual is not None:
        y = ops.add(y, residual)
    return activation.openvino(p, y)


def _spread(p: Problem, y: Any) -> Any:
    """The pixels that the stride reads, with zeros between them: an axis of length 1 behind each is padded to it."""
    from openvino import opset13 as ops

    n, c, h, w, step = p.batch, p.in_channels, p.out_height, p.out_width, p.stride
    apart = ops.reshape(y, [n, c, h, 1, w, 1], False)
    padded = ops.pad(apart, [0] * 6, [0, 0, 0, step - 1, 0, step - 1], "constant")
    whole = ops.reshape(padded, [n, c, h * step, w * step], False)
    return ops.slice(whole, [0, 0], [p.height, p.width], [1, 1], [2, 3])


def _weight_gradient(p: Problem, x: Any, dy: Any) -> list[Any]:
    """``MatMul`` for every image and group, summed over images; in NHWC the pixels of all images are one axis."""
    from openvino import opset13 as ops

    axes = [2, 3] if p.layout == "nchw" else [1, 2]
    if p.stride > 1:
        x = ops.slice(x, [0, 0], [p.height, p.width], [p.stride] * 2, axes)
    outs, ins, pixels = p.out_channels // p.groups, p.in_channels // p.groups, p.out_height * p.out_width
    if p.layout == "nchw":
        # The product of each image would be rounded to bfloat16 before the sum over images.
        rounds = p.dtype == "bfloat16" and p.batch > 1
        rows, columns = (ops.convert(each, "f32") if rounds else each for each in (x, dy))
        rows = ops.reshape(rows, [p.batch, p.groups, ins, pixels], False)
        dw = ops.matmul(ops.reshape(columns, [p.batch, p.groups, outs, pixels], False), rows, False, True)
        dw = ops.reduce_sum(dw, [0], False) if p.batch > 1 else dw
        dw = ops.convert(dw, "bf16") if rounds else dw
    else:
        rows = ops.transpose(ops.reshape(x, [p.pixels, p.groups, ins], False), [1, 0, 2])
        columns = ops.transpose(ops.reshape(dy, [p.pixels, p.groups, outs], False), [1, 0, 2])
        dw = ops.matmul(columns, rows, True, False)
    db = [ops.reduce_sum(dy, list(gradients.pixel_axes(p)), False)] if p.bias else []
    return [ops.reshape(dw, list(p.weight_shape), False), *db]


def view(array: Array) -> Any:
    """A tensor of the array's own memory, read-only or not, which nobody writes to.

    By shape and type: of an array alone OpenVINO wants one that it may write to. Of bfloat16 it is given the bits.
    """
    import openvino as ov

    bits = array.view("uint16") if array.dtype.name == "bfloat16" else array
    kind = {"float32": ov.Type.f32, "float16": ov.Type.f16, "bfloat16": ov.Type.bf16}[array.dtype.name]
    return ov.Tensor(bits, ov.Shape(array.shape), kind)


def _constant(array: Array) -> Any:
    """With a copy of the array; OpenVINO, which does not know ml_dtypes, is given the bits of bfloat16."""
    import numpy as np
    import openvino as ov
    from openvino import opset13 as ops

    if array.dtype.name != "bfloat16":
        return ops.constant(ov.Tensor(np.ascontiguousarray(array)))
    made = ov.Tensor(ov.Type.bf16, ov.Shape(array.shape))
    made.data.view(np.int16)[...] = array.view(np.int16)
    return ops.constant(made)


def kernels_of(compiled: Any) -> str:
    """The primitives behind the operations that the plug-in made of a model, and its settings, in one line."""
    operations = compiled.get_runtime_model().get_ordered_ops()
    found = (each.get_rt_info() for each in operations if each.get_type_name() == "ExecutionNode")
    kernels = {f"{info['layerType'].value} by {info['primitiveType'].value}" for info in found}
    kept = ("EXECUTION_DEVICES", "INFERENCE_PRECISION_HINT", "INFERENCE_NUM_THREADS")
    settings = (f"{name} {compiled.get_property(name)}" for name in kept)
    return "; ".join([", ".join(sorted(kernels)), *settings])
