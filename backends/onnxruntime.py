"""ONNX Runtime on the CPU, through I/O binding."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import gradients, halves, onnx_models
from pointwise_bench.backends.problem import ACTIVATIONS


@register
class OnnxRuntime(Backend):
    """A model of one layer, run by ``InferenceSession.run_with_iobinding`` into a buffer that is bound once.

    The CPU provider's own kernels (MLAS) compute it, with all graph optimisations on, the default: in NCHW a ``Conv``
    with bias, residual and ReLU fused, a GEMM per image and group; in NHWC a ``MatMul`` over pixels, a ``Gemm`` with a
    bias, or a ``Conv`` between transpositions for groups. float64 takes ``MatMul``; halves are cast to float32.
    """

    name = "onnxruntime"
    output = "reused"
    dtypes = halves.ALL_DTYPES
    directions = gradients.ALL_DIRECTIONS
    activations, adds = ACTIVATIONS, True
    _providers: tuple[str, ...] = ()  # and not the session: its threads would go on spinning beside the next one's

    def missing(self) -> str | None:
        """ONNX Runtime, where it is not installed."""
        absent = "onnxruntime is not installed: python -m pip install 'pointwise-bench[onnxruntime]'"
        return None if find_spec("onnxruntime") else absent

    def refuses(self, problem: Problem) -> str | None:
        """GELU in float64."""
        lacks = (problem.activation, problem.dtype) == ("gelu", "float64")
        return super().refuses(problem) or ("ONNX Runtime has no erf in float64" if lacks else None)

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """A session with as many threads as the budget has, this one included, and outputs bound to buffers."""
        import numpy as np
        import onnxruntime

        results = tuple(np.zeros(shape, problem.dtype) for shape in onnx_models.outputs_of(problem).values())
        y: Any = results if len(results) > 1 else results[0]
        if problem.batch == 0:
            return lambda *inputs: y
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; it warns of each constant that its optimisation made needless
        model = onnx_models.model(problem, weight, bias)
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._providers = tuple(session.get_providers())
        binding = session.io_binding()
        for name, buffer in zip(onnx_models.outputs_of(problem), results, strict=True):
            binding.bind_ortvalue_output(name, self.to_device(buffer))

        def of_one(given: Any) -> Any:
            binding.bind_ortvalue_input(last_input, given)
            session.run_with_iobinding(binding)
            return y

        def of_two(x: Any, other: Any) -> Any:
            binding.bind_ortvalue_input("x", x)
            return of_one(other)

        *before, last_input = onnx_models.inputs_of(problem)
        return of_two if before else of_one

    def ran(self) -> str | None:
        """The providers of the last session: a request for one that is absent falls back in silence."""
        import onnxruntime

        providers = ", ".join(self._providers) or "no session yet"
        return f"{providers}; {onnxruntime.get_build_info()}"

    def to_device(self, array: Array) -> Any:
        """The array's own memory as the runtime's kind of tensor."""
        return onnx_models.view(array)
