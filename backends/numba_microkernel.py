"""A kernel made for the pointwise convolution: register tiles written in LLVM code, compiled by numba."""

from __future__ import annotations

from dataclasses import replace

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import loops
from pointwise_bench.backends.problem import ACTIVATIONS


@register
class NumbaMicrokernel(Backend):
    """Tiles of the result that stay in registers, from packed weights and from pixels where they lie.

    No BLAS and no C: the kernels are LLVM code that ``backends/_microkernel`` writes for the processor's registers, and
    numba compiles them and keeps them on disk. Bias, residual and activation happen in the tile. Sums are carried in
    the problem's own type. ``backward-input`` is the same with the weights transposed.
    """

    name = "numba-microkernel"
    output = "reused"
    directions = ("forward", "backward-input")
    activations = ACTIVATIONS
    adds = True
    imports = loops.IMPORTS

    def missing(self) -> str | None:
        """Numba, where it is not installed."""
        return loops.missing_numba()

    def refuses(self, problem: Problem) -> str | None:
        """Gradients at a stride: a kernel would have to write around the pixels that are zero."""
        scattered = problem.direction == "backward-input" and problem.stride > 1
        return super().refuses(problem) or ("computes backward-input at stride 1 only" if scattered else None)

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Pack the weights, lay out the work of each thread, compile or load the kernels."""
        import numba

        from pointwise_bench.backends._microkernel.layer import compiled_layer

        threads = min(threads, numba.config.NUMBA_NUM_THREADS)
        numba.set_num_threads(threads)
        p = problem
        if p.direction == "backward-input":
            grouped = weight.reshape(p.groups, p.out_channels // p.groups, -1)
            weight = grouped.transpose(0, 2, 1).reshape(p.in_channels, -1)
            p = replace(p, direction="forward", in_channels=p.out_channels, out_channels=p.in_channels)
        return compiled_layer(p, weight, bias, threads)
