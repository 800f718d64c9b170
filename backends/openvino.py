"""OpenVINO on the CPU: a convolution compiled for the processor."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class OpenVino(Backend):
    """``Convolution`` or ``GroupConvolution``, ``Add`` and ``Maximum``, compiled for latency, inferred into one tensor.

    The CPU plug-in hands it to its copy of oneDNN, which generates a kernel for the shape; the transpositions of an
    NHWC problem are part of the model and the plug-in removes them where its kernel can read that layout.
    ``INFERENCE_PRECISION_HINT`` keeps float32: by default the plug-in computes in bfloat16 where the processor can.
    It has no float64. Its threads are not pinned, as those of no other backend are.
    """

    name = "openvino"
    output = "reused"
    dtypes = ("float32",)

    def missing(self) -> str | None:
        """OpenVINO, where it is not installed."""
        remedy = "openvino is not installed: python -m pip install 'pointwise-bench[openvino]'"
        return None if find_spec("openvino") else remedy

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The compiled model, one request, and the tensor that it writes."""
        import openvino as ov

        y = ov.Tensor(ov.Type.f32, ov.Shape(problem.output_shape))
        if problem.batch == 0:
            return lambda x: y
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
        options |= {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        request = ov.Core().compile_model(self._model(problem, weight, bias), "CPU", options).create_infer_request()
        request.set_output_tensor(y)

        def layer(x: Any) -> Any:
            request.set_input_tensor(x)
            request.infer(share_outputs=True)  # without it every call copies the result once more
            return y

        return layer

    @staticmethod
    def _model(p: Problem, weight: Array, bias: Array | None) -> Any:
        import numpy as np
        from openvino import Model
        from openvino import opset13 as ops

        x = ops.parameter(list(p.input_shape), np.float32)
        planes = x if p.layout == "nchw" else ops.transpose(x, [0, 3, 1, 2])
        window = {"strides": [p.stride] * 2, "pads_begin": [0, 0], "pads_end": [0, 0], "dilations": [1, 1]}
        if p.groups == 1:
            y = ops.convolution(planes, ops.constant(weight[:, :, None, None]), **window)
        else:
            kernels = weight.reshape(p.groups, -1, p.in_channels // p.groups, 1, 1)
            y = ops.group_convolution(planes, ops.constant(kernels), **window)
        if bias is not None:
            y = ops.add(y, ops.constant(bias.reshape(1, -1, 1, 1)))
        if p.activation == "relu":  # Relu loses NaN; Maximum is its second operand where either is NaN
            y = ops.maximum(ops.constant(np.zeros((1, 1, 1, 1), np.float32)), y)
        return Model([y if p.layout == "nchw" else ops.transpose(y, [0, 2, 3, 1])], [x], "pointwise")

    def to_device(self, array: Array) -> Any:
        """A tensor with a copy of the array."""
        import openvino as ov

        return ov.Tensor(array)

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values."""
        return result.data  # type: ignore[no-any-return]
