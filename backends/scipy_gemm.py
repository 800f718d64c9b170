"""SciPy's BLAS, called straight: the GEMM without NumPy's layer of shapes and checks above it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from backends import Backend, Layer, Problem, _blas, _gradients, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class ScipyGemm(Backend):
    """``scipy.linalg.blas.sgemm`` or ``dgemm``, writing into the output buffer (``overwrite_c``).

    The BLAS is the one that SciPy was built with (OpenBLAS in the wheels), a library of its own beside NumPy's. One
    call per image and group in NCHW, one per group in NHWC, where the routine's interface has no leading dimension and
    the channels of a group must be gathered first. Bias and ReLU follow in place, by NumPy. BLAS has no half precision.
    """

    name = "scipy-gemm"
    output = "reused"
    directions = _gradients.ALL_DIRECTIONS

    def missing(self) -> str | None:
        """SciPy, where it is not installed."""
        remedy = "scipy is not installed: python -m pip install 'pointwise-bench[scipy]'"
        return None if find_spec("scipy") else remedy

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The routine of the dtype, weights by group in Fortran order, and the output buffer."""
        if weight is None:
            return _blas.weight_gradient(problem)
        if problem.direction == "backward-input":
            return _gradients.input_gradient(problem, weight, _blas.forward)
        return _blas.forward(problem, weight, bias)
