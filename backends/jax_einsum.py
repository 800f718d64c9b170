"""JAX's einsum on the CPU, compiled by XLA: the convolution as a contraction over channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _jax, register
from backends._arrays import read_pixels

if TYPE_CHECKING:
    from backends.backend import Array


@register
class JaxEinsum(Backend):
    """``jax.jit`` of ``jax.numpy.einsum`` with bias and ReLU, which XLA fuses with each other.

    The contraction becomes one ``dot_general``, for which XLA's CPU compiler calls a GEMM of its runtime or emits
    loops for small shapes. Images and groups are a batch axis in NCHW, with the weights repeated for each image: as
    one shared operand they would cost a transposition of the result. ``Precision.HIGHEST`` keeps float32 what it
    says on every platform. Each call returns a new array.
    """

    name = "jax-einsum"

    def missing(self) -> str | None:
        """JAX, where it is not installed."""
        return _jax.missing_jax()

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Compile for the problem's shapes; weights are arguments, so that equal shapes compile once."""
        _jax.use_threads(threads)
        import jax
        import jax.numpy as jnp
        import numpy as np

        p, groups = problem, problem.groups
        kernels = weight.reshape(groups, p.out_channels // groups, p.in_channels // groups)
        in_shape: tuple[int, ...]
        if p.layout == "nchw":
            operand = _jax.as_jax(np.tile(kernels, (p.batch, 1, 1)))
            in_shape = (p.batch * groups, p.in_channels // groups, p.out_height * p.out_width)
            subscripts = "boc,bcp->bop"
        elif groups == 1:
            operand, in_shape, subscripts = _jax.as_jax(weight.T), (p.pixels, p.in_channels), "co,pc->po"
        else:
            operand, in_shape = _jax.as_jax(kernels), (p.pixels, groups, p.in_channels // groups)
            subscripts = "goc,pgc->pgo"
        addend = None if bias is None else _jax.as_jax(bias.reshape((-1, 1, 1) if p.layout == "nchw" else (-1,)))

        def compute(x: Any, operand: Any, addend: Any) -> Any:
            columns = read_pixels(p, x).reshape(in_shape)
            y = jnp.einsum(subscripts, operand, columns, precision=jax.lax.Precision.HIGHEST).reshape(p.output_shape)
            y = y if addend is None else y + addend
            return jax.nn.relu(y) if p.activation == "relu" else y

        compiled = jax.jit(compute).lower(jax.ShapeDtypeStruct(p.input_shape, p.dtype), operand, addend).compile()
        return lambda x: compiled(x, operand, addend).block_until_ready()

    def to_device(self, array: Array) -> Any:
        """A JAX array."""
        return _jax.as_jax(array)
