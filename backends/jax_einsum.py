"""JAX's einsum on the CPU, compiled by XLA: the convolution as a contraction over channels."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared import gradients, jax_arrays
from pointwise_bench.backends._shared.arrays import read_pixels


@register
class JaxEinsum(jax_arrays.Jax):
    """``jax.jit`` of ``jax.numpy.einsum`` with bias and ReLU, which XLA fuses with each other.

    The contraction becomes one ``dot_general``, for which XLA's CPU compiler calls a GEMM of its runtime or emits
    loops for small shapes. Images and groups are a batch axis in NCHW, with the weights repeated for each image: as
    one shared operand they would cost a transposition of the result. ``Precision.HIGHEST`` keeps float32 what it
    says on every platform; sums of the half precisions have ``preferred_element_type`` float32. Gradients are
    contractions too. Each call returns a new array.
    """

    name = "jax-einsum"

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """Compile for the problem's shapes."""
        jax_arrays.use_threads(threads)
        if weight is None:
            return self.compiled(problem, _weight_gradient(problem))
        if problem.direction == "forward":
            compute, operand = _contraction(problem, weight)
            addend = jax_arrays.bias_of(problem, bias)

            def finish(x: Any, *others: Any) -> Any:
                *residual, operand, addend = others
                return jax_arrays.finished(problem, compute(x, operand), addend, *residual)

            return self.compiled(problem, finish, operand, addend)
        p, inner = problem, gradients.exchanged(problem)
        compute, operand = _contraction(inner, gradients.transposed(p, weight))
        import jax.numpy as jnp

        def spread(dy: Any, operand: Any) -> Any:
            read = compute(dy, operand).astype(p.dtype)
            steps: tuple[Any, ...] = (..., slice(None, None, p.stride), slice(None, None, p.stride))
            steps = steps if p.layout == "nchw" else (*steps, slice(None))
            return read if p.stride == 1 else jnp.zeros(p.input_shape, p.dtype).at[steps].set(read)

        return self.compiled(p, spread, operand)


def _contraction(p: Problem, weight: Array) -> tuple[Any, Any]:
    """A function of the input and an operand, in the type of the sums, and that operand."""
    import numpy as np

    kernels = weight.reshape(p.groups, -1, p.in_channels // p.groups)
    if p.layout == "nchw":
        operand, subscripts = np.tile(kernels, (p.batch, 1, 1)), "boc,bcp->bop"
        shape: tuple[int, ...] = (p.batch * p.groups, p.in_channels // p.groups, p.out_height * p.out_width)
    elif p.groups == 1:
        operand, subscripts, shape = weight.T, "co,pc->po", (p.pixels, p.in_channels)
    else:
        operand, subscripts, shape = kernels, "goc,pgc->pgo", (p.pixels, p.groups, p.in_channels // p.groups)

    def contract(x: Any, operand: Any) -> Any:
        return jax_arrays.einsum(p, subscripts, operand, read_pixels(p, x).reshape(shape)).reshape(p.output_shape)

    return contract, jax_arrays.as_jax(operand)


def _weight_gradient(p: Problem) -> Any:
    """Images and pixels summed away, by group."""
    subscripts = "ngop,ngcp->goc" if p.layout == "nchw" else "pgo,pgc->goc"

    def compute(x: Any, dy: Any) -> Any:
        operands = gradients.grouped(p, dy), gradients.grouped(p, read_pixels(p, x))
        return jax_arrays.gradients_of_parameters(p, jax_arrays.einsum(p, subscripts, *operands), dy)

    return compute
