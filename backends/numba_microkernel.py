"""A kernel made for the pointwise convolution: register tiles written in LLVM code, compiled by numba."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends import Backend, Layer, Problem, _loops, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class NumbaMicrokernel(Backend):
    """Tiles of the result that stay in registers, from packed weights and from pixels where they lie.

    No BLAS and no C: the kernels are LLVM code that ``backends/_microkernel`` writes for the host's registers and
    numba compiles and keeps on disk. Bias and ReLU happen before a tile is written. Sums are carried in the
    problem's own type.
    """

    name = "numba-microkernel"
    output = "reused"

    def missing(self) -> str | None:
        """Numba, where it is not installed."""
        return _loops.missing_numba()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Pack the weights, lay out the work of each thread, compile or load the kernels."""
        import numba

        from backends._microkernel.layer import compiled_layer

        threads = min(threads, numba.config.NUMBA_NUM_THREADS)
        numba.set_num_threads(threads)
        return compiled_layer(problem, weight, bias, threads)
