"""Plain loops, compiled, on one thread: what LLVM makes of the formula without any blocking."""

from __future__ import annotations

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import gradients, loops
from pointwise_bench.backends.problem import ACTIVATIONS


@register
class NumbaSerial(Backend):
    """Loops over output rows with ``numba.njit``, on one thread whatever the budget; LLVM vectorises the innermost.

    The innermost loop runs along the contiguous axis, which is the only concession to speed: pixels in NCHW,
    output channels in NHWC (for which the weights are transposed once). There is no pool to wake, which pays on
    small layers.
    """

    name = "numba-serial"
    output = "reused"
    directions = gradients.ALL_DIRECTIONS
    activations = ACTIVATIONS
    adds = True
    imports = loops.IMPORTS

    def missing(self) -> str | None:
        """Numba, where it is not installed."""
        return loops.missing_numba()

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """Compile for the problem's dtype and layout."""
        return loops.compiled_layer(problem, weight, bias, parallel=False)

    def ran(self) -> str | None:
        """What LLVM compiled for, and the threads that ran it."""
        return loops.compiled_for(parallel=False)
