"""JAX's convolution on the CPU, compiled by XLA."""

from __future__ import annotations

from typing import Any

from pointwise_bench import Array, Layer, Problem, register
from pointwise_bench.backends._shared import jax_arrays
from pointwise_bench.backends._shared.arrays import read_pixels


@register
class JaxConv(jax_arrays.Jax):
    """``jax.jit`` of ``jax.lax.conv_general_dilated`` in the problem's own layout, with bias and ReLU.

    XLA turns it into a call of its runtime's convolution, or into loops of its own, by shape and dtype; NHWC is the
    layout that its CPU compiler works in, and an NCHW problem is transposed inside. ``Precision.HIGHEST`` keeps
    float32 what it says on every platform. The half precisions are converted to float32 inside the compiled function.
    Gradients are ``jax.linear_transpose`` of the same function. Each call returns a new array.
    """

    name = "jax-conv"

    def refuses(self, problem: Problem) -> str | None:
        """Where XLA computes a convolution in groups as one over all channels: zero times NaN is NaN."""
        taken = problem.out_channels if problem.direction == "backward-input" else problem.in_channels
        widened = problem.dtype == "float64" and 1 < problem.groups == taken
        if widened or (problem.direction == "backward-weight" and problem.groups > 1):
            ours = "XLA computes it over all channels, with zeros where the groups have none, so that NaN spreads"
        else:
            ours = None
        return super().refuses(problem) or ours

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """Compile for the problem's shapes."""
        jax_arrays.use_threads(threads)
        import jax
        from jax import lax

        p, wide = problem, jax_arrays.accumulator(problem)
        # Kernels in the order that XLA's runtime reads: an OIHW argument would be transposed in every call.
        names = (p.layout.upper(), "HWIO", p.layout.upper())

        def convolve(x: Any, kernel: Any, stride: int = p.stride) -> Any:
            return lax.conv_general_dilated(
                x.astype(wide),
                kernel.astype(wide),
                (stride, stride),
                "VALID",
                dimension_numbers=names,
                feature_group_count=p.groups,
                precision=lax.Precision.HIGHEST,
            )

        def backward_input(dy: Any, kernel: Any) -> Any:
            x = jax.ShapeDtypeStruct(p.input_shape, wide)
            return jax.linear_transpose(lambda x: convolve(x, kernel), x)(dy.astype(wide))[0].astype(p.dtype)

        def backward_weight(x: Any, dy: Any) -> Any:
            kernel = jax.ShapeDtypeStruct((1, 1, *p.weight_shape[::-1]), wide)
            dense = read_pixels(p, x)  # what the stride skips may be NaN, and must not even meet a zero
            dw = jax.linear_transpose(lambda kernel: convolve(dense, kernel, 1), kernel)(dy.astype(wide))[0]
            return jax_arrays.gradients_of_parameters(p, dw[0, 0].T, dy)

        if weight is None:
            return self.compiled(p, backward_weight)
        kernel = jax_arrays.as_jax(weight.T[None, None])
        if p.direction == "backward-input":
            return self.compiled(p, backward_input, kernel)
        addend = jax_arrays.bias_of(p, bias)

        def forward(x: Any, residual: Any = None) -> Any:
            return jax_arrays.finished(p, convolve(x, kernel), addend, residual)

        return self.compiled(p, forward, anew=True)
