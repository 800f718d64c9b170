"""The GEMM routines of SciPy's BLAS on matrices in C order.

The routines count in columns, as Fortran does: a C-ordered matrix is handed over as its transpose, which is the same
memory, and a product ``c = a b`` is computed as ``c.T = b.T a.T``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared import gradients, halves
from pointwise_bench.backends._shared.arrays import into_buffer, read_pixels
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


def _gemm(dtype: str) -> Any:
    import numpy as np
    from scipy.linalg.blas import get_blas_funcs

    return get_blas_funcs("gemm", dtype=np.dtype(dtype))


def forward(p: Problem, weight: Array, bias: Array | None) -> Layer:
    """One call per image and group in NCHW; in NHWC one per group, on gathered channels where there are several."""
    import numpy as np

    gemm, groups, channels = _gemm(p.dtype), p.groups, p.in_channels // p.groups
    kernels = weight.reshape(groups, p.out_channels // groups, channels)
    y: Array = np.empty(p.output_shape, p.dtype)
    if p.batch == 0:
        return lambda *inputs: y
    if p.layout == "nchw":
        planes = y.reshape(p.batch * groups, p.out_channels // groups, -1)
        shape = (p.batch * groups, channels, p.out_height * p.out_width)
        calls = [(np.asfortranarray(kernels[index % groups].T), plane.T) for index, plane in enumerate(planes)]

        def multiply(x: Array) -> None:
            for columns, (operand, target) in zip(x.reshape(shape), calls, strict=True):
                gemm(1.0, columns.T, operand, 0.0, target, overwrite_c=1)
    else:
        rows = y.reshape(p.pixels, groups, -1)
        calls = [(np.asfortranarray(kernel), rows[:, group].T) for group, kernel in enumerate(kernels)]

        def multiply(x: Array) -> None:
            pixels = x.reshape(p.pixels, groups, channels)
            for group, (operand, target) in enumerate(calls):
                product = gemm(1.0, operand, pixels[:, group].T, 0.0, target, overwrite_c=1)
                if groups > 1:  # the routine's interface has no leading dimension: it worked on copies
                    target[...] = product

    return into_buffer(p, multiply, y, bias)


def weight_gradient(p: Problem) -> Layer:
    """One call per image and group, added up by the routine itself (``beta = 1``); in NHWC one per group."""
    import numpy as np

    gemm, results = _gemm(p.dtype), halves.buffers(p)
    targets = [dw.T for dw in results[0].reshape(p.groups, p.out_channels // p.groups, -1)]
    nhwc = p.layout == "nhwc"

    def layer(x: Array, dy: Array) -> Array | tuple[Array, ...]:
        rows, columns = gradients.grouped(p, read_pixels(p, x)), gradients.grouped(p, dy)
        results[0][...] = 0
        for group, target in enumerate(targets):
            if nhwc:
                gemm(1.0, rows[:, group].T, columns[:, group].T, 0.0, target, trans_b=1, overwrite_c=1)
            else:
                for image in range(p.batch):
                    gemm(1.0, rows[image, group].T, columns[image, group].T, 1.0, target, trans_a=1, overwrite_c=1)
        if not p.bias:
            return results[0]
        np.sum(dy, axis=gradients.pixel_axes(p), out=results[1])
        return results

    return layer
