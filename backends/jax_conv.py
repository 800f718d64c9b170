"""JAX's convolution on the CPU, compiled by XLA."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, _jax, register

if TYPE_CHECKING:
    from backends.backend import Array


@register
class JaxConv(Backend):
    """``jax.jit`` of ``jax.lax.conv_general_dilated`` in the problem's own layout, with bias and ReLU.

    XLA turns it into a call of its runtime's convolution, or into loops of its own, by shape and dtype; NHWC is the
    layout that its CPU compiler works in, and an NCHW problem is transposed inside. ``Precision.HIGHEST`` keeps
    float32 what it says on every platform. Each call returns a new array.
    """

    name = "jax-conv"

    def missing(self) -> str | None:
        """JAX, where it is not installed."""
        return _jax.missing_jax()

    def refuses(self, problem: Problem) -> str | None:
        """One input channel per group in float64: XLA widens those kernels with zeros, and zero times NaN is NaN."""
        widened = problem.dtype == "float64" and 1 < problem.groups == problem.in_channels
        reason = "XLA computes a float64 convolution of single channels over all channels, so that NaN spreads"
        return super().refuses(problem) or (reason if widened else None)

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Compile for the problem's shapes; weights are arguments, so that equal shapes compile once."""
        _jax.use_threads(threads)
        import jax
        from jax import lax

        p = problem
        nchw = p.layout == "nchw"
        # Kernels in the order that XLA's runtime reads: an OIHW argument would be transposed in every call.
        names = (p.layout.upper(), "HWIO", p.layout.upper())
        kernel = _jax.as_jax(weight.T[None, None])
        addend = None if bias is None else _jax.as_jax(bias.reshape((-1, 1, 1) if nchw else (-1,)))

        def compute(x: Any, kernel: Any, addend: Any) -> Any:
            y = lax.conv_general_dilated(
                x,
                kernel,
                (p.stride, p.stride),
                "VALID",
                dimension_numbers=names,
                feature_group_count=p.groups,
                precision=lax.Precision.HIGHEST,
            )
            y = y if addend is None else y + addend
            return jax.nn.relu(y) if p.activation == "relu" else y

        compiled = jax.jit(compute).lower(jax.ShapeDtypeStruct(p.input_shape, p.dtype), kernel, addend).compile()
        return lambda x: compiled(x, kernel, addend).block_until_ready()

    def to_device(self, array: Array) -> Any:
        """A JAX array."""
        return _jax.as_jax(array)
