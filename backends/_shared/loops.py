"""Layers of plain loops, compiled by numba: serial, or over numba's threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pointwise_bench.backends._shared import gradients, halves, loop_kernels
from pointwise_bench.backends._shared.activation import loops as activation
from pointwise_bench.backends._shared.arrays import read_pixels
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

IMPORTS: Final = ("numba", "numba.np.arraymath")
"""What a backend of numba imports: the second is most of what numba loads when it compiles, or finds code compiled."""


def missing_numba() -> str | None:
    """Numba, where it is not installed."""
    from importlib.util import find_spec

    return None if find_spec("numba") else "numba is not installed: python -m pip install numba"


def compiled_layer(p: Problem, weight: Array | None, bias: Array | None, *, parallel: bool) -> Layer:
    """The layer of the problem's direction, compiled; once more where a stride leaves gaps in rows."""
    if weight is None:
        return _weight_gradient(p, parallel=parallel)
    if p.direction == "backward-input":
        return gradients.input_gradient(p, weight, lambda q, w, b: _forward(q, w, b, parallel=parallel))
    return _forward(p, weight, bias, parallel=parallel)


def _forward(p: Problem, weight: Array, bias: Array | None, *, parallel: bool) -> Layer:
    import numpy as np

    kernel = loop_kernels.kernels(parallel)[p.layout]
    nchw = p.layout == "nchw"
    kernels = np.ascontiguousarray(weight if nchw else weight.T.reshape(-1, p.groups, p.out_channels // p.groups))
    biases = np.zeros(p.out_channels, p.dtype) if bias is None else bias
    kernels, biases = _readonly(kernels), _readonly(biases)
    relu = p.activation == "relu"
    y = np.empty(p.output_shape, p.dtype)
    # Where no pixel is skipped, rows are joined into one: a pointwise convolution does not care where a row ends,
    # and a loop over 49 pixels vectorises where seven loops over 7 do not.
    joined = p.stride == 1 and nchw
    y_seen: Array = y if nchw else y.reshape(*y.shape[:3], p.groups, p.out_channels // p.groups)
    y_seen = y.reshape(p.batch, p.out_channels, 1, p.out_height * p.out_width) if joined else y_seen

    activate, flat = activation.in_place(p.activation, p.dtype, parallel=parallel), y.reshape(-1)

    not_read = _readonly(y_seen)

    def layer(x: Array, residual: Array = not_read) -> Array:
        if p.add:
            residual = residual.reshape(not_read.shape)
        if joined:
            x = x.reshape(p.batch, p.in_channels, 1, p.height * p.width)
        kernel(read_pixels(p, x), kernels, biases, p.groups, p.add, residual, relu, y_seen)
        if activate is not None:
            activate(flat)
        return y

    layer(_readonly_zeros(p.input_shape, p.dtype))
    return layer


def _weight_gradient(p: Problem, *, parallel: bool) -> Layer:
    kernel = loop_kernels.gradient(parallel, p.dtype, contiguous=p.layout == "nchw" and p.stride == 1)
    results = halves.buffers(p)
    # Of one number of axes with and without a bias, whose gradient is not written without one: one type, compiled once.
    dw, db = results[0], results[-1].reshape(-1)
    order = (0, 1, 2, 3) if p.layout == "nchw" else (0, 3, 1, 2)

    def layer(x: Array, dy: Array) -> Array | tuple[Array, ...]:
        kernel(read_pixels(p, x).transpose(order), dy.transpose(order), p.groups, dw, db, p.bias)
        return results if p.bias else results[0]

    layer(_readonly_zeros(p.input_shape, p.dtype), _readonly_zeros(p.output_shape, p.dtype))
    return layer


def _readonly_zeros(shape: tuple[int, ...], dtype: str) -> Array:
    """What a layer is compiled with, as that belongs to preparing: read-only, as the harness's arrays are."""
    import numpy as np

    return _readonly(np.zeros(shape, dtype))


def _readonly(array: Array) -> Array:
    """A view that cannot be written to: for numba, arrays that can be are of another type, and compiled for anew."""
    seen = array.view()
    seen.flags.writeable = False
    return seen


def compiled_for(*, parallel: bool) -> str:
    """The processor that LLVM compiled for, and whose threads ran."""
    import numba
    from llvmlite import binding

    threads = f"{numba.get_num_threads()} threads of {numba.threading_layer()}" if parallel else "one thread"
    return f"numba {numba.__version__} for {binding.get_host_cpu_name()}, {threads}"
