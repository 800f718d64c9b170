"""SciPy's BLAS, called straight: the GEMM without NumPy's layer of shapes and checks above it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, register
from backends._arrays import read_pixels

if TYPE_CHECKING:
    from backends.backend import Array


@register
class ScipyGemm(Backend):
    """``scipy.linalg.blas.sgemm`` or ``dgemm``, writing into the output buffer (``overwrite_c``).

    The BLAS is the one that SciPy was built with (OpenBLAS in the wheels), a library of its own beside NumPy's. It
    counts in columns, as Fortran does: a C-ordered matrix is handed over as its transpose, which is the same memory,
    and the product is computed as ``y.T = x.T @ w.T``. One call per image and group in NCHW, one per group in NHWC,
    where the routine's interface has no leading dimension and the channels of a group must be gathered first. A bias
    is laid into the buffer beforehand and added by the product itself (``beta = 1``).
    """

    name = "scipy-gemm"
    output = "reused"

    def missing(self) -> str | None:
        """SciPy, where it is not installed."""
        remedy = "scipy is not installed: python -m pip install 'pointwise-bench[scipy]'"
        return None if find_spec("scipy") else remedy

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """The routine of the dtype, weights by group in Fortran order, and the output buffer."""
        import numpy as np
        from scipy.linalg.blas import get_blas_funcs

        p, groups = problem, problem.groups
        gemm = get_blas_funcs("gemm", dtype=np.dtype(p.dtype))
        kernels = weight.reshape(groups, p.out_channels // groups, p.in_channels // groups)
        y: Array = np.empty(p.output_shape, p.dtype)
        if p.batch == 0:
            return lambda x: y
        beta = 0.0 if bias is None else 1.0
        if p.layout == "nchw":
            planes = y.reshape(p.batch * groups, p.out_channels // groups, -1)
            operands = [np.asfortranarray(kernel.T) for kernel in kernels] * p.batch
            in_shape = (p.batch * groups, p.in_channels // groups, p.out_height * p.out_width)

            def multiply(x: Array) -> None:
                for columns, operand, plane in zip(x.reshape(in_shape), operands, planes, strict=True):
                    gemm(1.0, columns.T, operand, beta, plane.T, overwrite_c=1)
        else:
            rows = y.reshape(p.pixels, groups, -1)
            operands = [np.asfortranarray(kernel) for kernel in kernels]

            def multiply(x: Array) -> None:
                pixels: Any = x.reshape(p.pixels, groups, -1)
                for group, operand in enumerate(operands):
                    target = rows[:, group]
                    product = gemm(1.0, operand, pixels[:, group].T, beta, target.T, overwrite_c=1)
                    if groups > 1:  # the routine worked on copies of these strided columns
                        target[...] = product.T

        addend = None if bias is None else bias.reshape((-1, 1, 1) if p.layout == "nchw" else (-1,))

        def layer(x: Array) -> Array:
            if addend is not None:
                y[...] = addend
            multiply(read_pixels(p, x))
            if p.activation == "relu":
                np.maximum(y, 0, out=y)
            return y

        return layer
