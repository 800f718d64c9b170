"""SciPy's BLAS, called straight: the GEMM without NumPy's layer of shapes and checks above it."""

from __future__ import annotations

from importlib.util import find_spec

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import gradients, scipy_blas
from pointwise_bench.backends.problem import ACTIVATIONS


@register
class ScipyGemm(Backend):
    """``scipy.linalg.blas.sgemm`` or ``dgemm``, writing into the output buffer (``overwrite_c``).

    The BLAS is the one that SciPy was built with (OpenBLAS in the wheels), a library of its own beside NumPy's. One
    call per image and group in NCHW, one per group in NHWC, where the routine's interface has no leading dimension and
    the channels of a group must be gathered first. Bias and ReLU follow in place, by NumPy. BLAS has no half precision.
    """

    name = "scipy-gemm"
    output = "reused"
    directions = gradients.ALL_DIRECTIONS
    activations = ACTIVATIONS
    adds = True

    def missing(self) -> str | None:
        """SciPy, where it is not installed."""
        remedy = "scipy is not installed: python -m pip install 'pointwise-bench[scipy]'"
        return None if find_spec("scipy") else remedy

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The routine of the dtype, weights by group in Fortran order, and the output buffer."""
        if weight is None:
            return scipy_blas.weight_gradient(problem)
        if problem.direction == "backward-input":
            return gradients.input_gradient(problem, weight, scipy_blas.forward)
        return scipy_blas.forward(problem, weight, bias)
