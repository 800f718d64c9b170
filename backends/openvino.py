"""OpenVINO on the CPU: a convolution compiled for the processor."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import gradients, openvino_models
from pointwise_bench.backends.problem import ACTIVATIONS


@register
class OpenVino(Backend):
    """``Convolution`` or ``GroupConvolution``, ``Add`` and ``Maximum``, compiled for latency, inferred into one tensor.

    The CPU plug-in hands it to its copy of oneDNN, which generates a kernel for the shape; the transpositions of an
    NHWC problem are part of the model and the plug-in removes them where its kernel can read that layout.
    ``INFERENCE_PRECISION_HINT`` keeps float32: by default the plug-in computes in bfloat16 where the processor can.
    The half precisions are tensors of their type around sums in float32. It has no float64. Gradients are the same
    convolution of transposed weights, and ``MatMul``. Its threads are not pinned, as those of no other backend are.
    """

    name = "openvino"
    output = "reused"
    dtypes = ("float32", "float16", "bfloat16")
    directions = gradients.ALL_DIRECTIONS
    activations, adds = ACTIVATIONS, True
    _compiled: Any = None

    def missing(self) -> str | None:
        """OpenVINO, where it is not installed."""
        remedy = "openvino is not installed: python -m pip install 'pointwise-bench[openvino]'"
        return None if find_spec("openvino") else remedy

    def refuses(self, problem: Problem) -> str | None:
        """What oneDNN gets wrong in bfloat16."""
        return super().refuses(problem) or openvino_models.refuses(problem)

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The compiled model, one request, and the tensors that it writes."""
        import openvino as ov

        shapes = gradients.result_shapes(problem)
        results = tuple(ov.Tensor(openvino_models.element_type(problem), ov.Shape(shape)) for shape in shapes)
        y = results if len(results) > 1 else results[0]
        if problem.batch == 0:
            for each in results:
                each.data[...] = 0
            return lambda *inputs: y
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads}
        options |= {"INFERENCE_PRECISION_HINT": "f32", "ENABLE_CPU_PINNING": False}
        compiled = ov.Core().compile_model(openvino_models.model(problem, weight, bias), "CPU", options)
        request = compiled.create_infer_request()
        self._compiled = compiled
        for index, result in enumerate(results):
            request.set_output_tensor(index, result)

        def layer(*inputs: Any) -> Any:
            for index, tensor in enumerate(inputs):
                request.set_input_tensor(index, tensor)
            request.infer(share_outputs=True)  # without it every call copies the result once more
            return y

        return layer

    def ran(self) -> str | None:
        """The kernels of the model compiled last, and the precision that was kept."""
        return None if self._compiled is None else openvino_models.kernels_of(self._compiled)

    def to_device(self, array: Array) -> Any:
        """A tensor of the array's own memory."""
        return openvino_models.view(array)

    def to_numpy(self, result: Any) -> Array:
        """The tensor's values, of which OpenVINO shows the bits of bfloat16 as float16."""
        from ml_dtypes import bfloat16

        bits = result.element_type.get_type_name() == "bf16"
        return result.data.view(bfloat16) if bits else result.data  # type: ignore[no-any-return]
