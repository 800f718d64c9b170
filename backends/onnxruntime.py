"""ONNX Runtime on the CPU, through I/O binding."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _onnx, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class OnnxRuntime(Backend):
    """A model of one layer, run by ``InferenceSession.run_with_iobinding`` into a buffer that is bound once.

    The CPU execution provider's own kernels (MLAS) compute it, with all graph optimisations on, the default: in NCHW a
    ``Conv`` with the bias, and the ReLU fused into it, which MLAS runs as a GEMM per image and group; in NHWC a
    ``MatMul`` over pixels, with a bias a ``Gemm``, or a ``Conv`` between two transpositions where there are groups.
    The provider has no ``Conv`` in float64, which takes ``MatMul``.
    """

    name = "onnxruntime"
    output = "reused"

    def missing(self) -> str | None:
        """ONNX Runtime, where it is not installed."""
        remedy = "onnxruntime is not installed: python -m pip install 'pointwise-bench[onnxruntime]'"
        return None if find_spec("onnxruntime") else remedy

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """A session with as many threads as the budget has, this one included, and the output bound to a buffer."""
        import numpy as np
        import onnxruntime

        y: Array = np.empty(problem.output_shape, problem.dtype)
        if problem.batch == 0:
            return lambda x: y
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        model = _onnx.pointwise_model(problem, weight, bias)
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        binding = session.io_binding()
        binding.bind_ortvalue_output("y", onnxruntime.OrtValue.ortvalue_from_numpy(y))

        def layer(x: Any) -> Array:
            binding.bind_ortvalue_input("x", x)
            session.run_with_iobinding(binding)
            return y

        return layer

    def to_device(self, array: Array) -> Any:
        """The array's own memory as the runtime's kind of tensor."""
        import onnxruntime

        return onnxruntime.OrtValue.ortvalue_from_numpy(array)
