"""What the JAX backends share: availability, the thread budget, compiling, and crossing between NumPy and JAX."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared import gradients, halves
from pointwise_bench.backends.backend import Backend, Layer
from pointwise_bench.backends.problem import ACTIVATIONS, Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


class Jax(Backend):
    """Everything of a JAX backend on the CPU but its layer."""

    dtypes = halves.ALL_DTYPES
    directions = gradients.ALL_DIRECTIONS
    activations = ACTIVATIONS
    adds = True
    _latest: tuple[Problem, Any] | None = None

    def missing(self) -> str | None:
        """JAX, where it is not installed."""
        return None if find_spec("jax") else "jax is not installed: python -m pip install 'pointwise-bench[jax]'"

    def compiled(self, p: Problem, compute: Callable[..., Any], *constants: Any, anew: bool = False) -> Layer:
        """``compute(*inputs, *constants)``, compiled; not again for other constants of the problem just compiled.

        ``anew`` where ``compute`` holds constants of its own, which saves a microsecond for each in every call.

        By a call of ``jax.jit``: what ``lower().compile()`` returns takes two microseconds longer to call. Results in
        bfloat16 are returned as their bits, which costs nothing: to hand out a result of that type, JAX copies it.
        """
        import jax
        import jax.numpy as jnp

        if anew or self._latest is None or self._latest[0] != p:
            inputs = [jnp.zeros(shape, p.dtype) for shape in p.input_shapes]
            self._latest = p, jax.jit(_as_bits(compute) if p.dtype == "bfloat16" else compute)
            jax.block_until_ready(self._latest[1](*inputs, *constants))
        function = self._latest[1]
        if p.direction == "backward-weight":
            return lambda x, dy: jax.block_until_ready(function(x, dy))
        if p.add:
            return lambda x, residual: function(x, residual, *constants).block_until_ready()
        return lambda x: function(x, *constants).block_until_ready()

    def ran(self) -> str | None:
        """XLA's platform, and what was asked of it."""
        import jax

        (device, *_) = jax.devices()
        client = device.client
        budget, flags = os.environ.get("PJRT_NPROC"), os.environ.get("XLA_FLAGS", "none")
        return (
            f"jax {jax.__version__} on {client.platform} ({client.platform_version}), {budget} threads, flags: {flags}"
        )

    def to_device(self, array: Array) -> Any:
        """A JAX array of the array's own memory, where that begins at a cache line; else of a copy."""
        import jax

        return jax.device_put(array, may_alias=True)

    def to_numpy(self, result: Any) -> Array:
        """The values; those of bfloat16 come as their bits, see :meth:`compiled`."""
        import numpy as np
        from ml_dtypes import bfloat16

        values = np.asarray(result)
        return values.view(bfloat16) if result.dtype.kind == "u" else values


def _as_bits(compute: Callable[..., Any]) -> Callable[..., Any]:
    """The same with the bits of its results."""
    import jax
    import jax.numpy as jnp

    def bits(result: Any) -> Any:
        return jax.lax.bitcast_convert_type(result, jnp.uint16)

    return lambda *arguments: jax.tree.map(bits, compute(*arguments))


def use_threads(threads: int) -> None:
    """Hold XLA's pool to the budget, let float64 be float64, and compute in the thread that calls.

    XLA's CPU client reads its thread count from ``PJRT_NPROC`` when it is created, by the first array of a process,
    and from no option after that. With asynchronous dispatch every call would be handed to another thread and waited
    for: some microseconds, and one thread above the budget.
    """
    os.environ["PJRT_NPROC"] = str(threads)
    import jax

    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_enable_x64", True)
    jax.config.update("jax_cpu_enable_async_dispatch", False)


def as_jax(array: Array) -> Any:
    """A JAX array with a copy of the array."""
    import jax.numpy as jnp

    return jnp.array(array, copy=True)


def accumulator(p: Problem) -> str:
    """The element type of sums: float32 for the half precisions, whose results are rounded once at the end."""
    return "float32" if p.dtype in halves.HALVES else p.dtype


def einsum(p: Problem, subscripts: str, *operands: Any) -> Any:
    """A contraction whose sums are carried, and returned, in the type of the accumulator."""
    import jax

    wide = accumulator(p)
    return jax.numpy.einsum(subscripts, *operands, precision=jax.lax.Precision.HIGHEST, preferred_element_type=wide)


def finished(p: Problem, y: Any, addend: Any, residual: Any = None) -> Any:
    """Bias, residual, activation and the problem's element type, inside the compiled function, where XLA fuses them."""
    import jax

    y = y if addend is None else y + addend
    y = y if residual is None else y + residual.astype(y.dtype)
    if p.activation == "gelu":
        y = jax.nn.gelu(y, approximate=False)
    elif p.activation != "none":
        y = getattr(jax.nn, {"hardswish": "hard_swish"}.get(p.activation, p.activation))(y)
    return y.astype(p.dtype)


def bias_of(p: Problem, bias: Array | None) -> Any:
    """The bias in a shape that broadcasts over the pixels; None where there is none."""
    return None if bias is None else as_jax(bias.reshape((-1, 1, 1) if p.layout == "nchw" else (-1,)))


def gradients_of_parameters(p: Problem, dw: Any, dy: Any) -> Any:
    """What ``backward-weight`` returns, of a ``dw`` in the type of the sums."""
    import jax.numpy as jnp

    dw = dw.reshape(p.weight_shape).astype(p.dtype)
    if not p.bias:
        return dw
    return dw, jnp.sum(dy, axis=gradients.pixel_axes(p), dtype=accumulator(p)).astype(p.dtype)
