"""The plain use of NumPy, SciPy and numba: twins of backends for ``against_straightforward.py``."""

from __future__ import annotations

from typing import Any

import numpy as np

from pointwise_bench import Backend, register


class Plain(Backend):
    """What the twins share: the problem taken apart, and a refusal of what the layers above do not have."""

    def refuses(self, problem: Any) -> str | None:
        """Groups: none of the layers has them."""
        return super().refuses(problem) or (None if problem.groups == 1 else "the experiment has no groups")


def strided(p: Any, x: Any) -> Any:
    """The pixels that the stride reads."""
    return x[:, :: p.stride, :: p.stride] if p.layout == "nhwc" else x[:, :, :: p.stride, :: p.stride]


class PlainNumpy(Plain):
    """A product by the subclass, then bias and ReLU in place."""

    def prepare(self, p: Any, weight: Any, bias: Any, threads: int) -> Any:
        """Ten lines of NumPy."""
        by_channel = None if bias is None else bias[:, None, None] if p.layout == "nchw" else bias
        multiply = self.product(p, weight)

        def layer(x: Any) -> Any:
            y = multiply(x if p.stride == 1 else strided(p, x))
            if by_channel is not None:
                y += by_channel
            return np.maximum(y, 0, out=y) if p.activation == "relu" else y

        return layer

    def product(self, p: Any, weight: Any) -> Any:
        """``multiply(x)``, of an input without gaps."""
        raise NotImplementedError


@register
class PlainNumpyMatmul(PlainNumpy):
    """``np.matmul`` into one buffer."""

    name = "plain-numpy-matmul"
    output = "reused"

    def product(self, p: Any, weight: Any) -> Any:
        """One call."""
        y, transposed = np.empty(p.output_shape, p.dtype), weight.T.copy()
        rows, columns = y.reshape(p.pixels, -1), y.reshape(p.batch, p.out_channels, -1)

        def multiply(x: Any) -> Any:
            if p.layout == "nhwc":
                np.matmul(x.reshape(p.pixels, -1), transposed, out=rows)
            else:
                np.matmul(weight, x.reshape(p.batch, p.in_channels, -1), out=columns)
            return y

        return multiply


@register
class PlainNumpyEinsum(PlainNumpy):
    """``np.einsum`` with ``optimize``."""

    name = "plain-numpy-einsum"

    def product(self, p: Any, weight: Any) -> Any:
        """One call."""
        subscripts = "oc,nchw->nohw" if p.layout == "nchw" else "oc,nhwc->nhwo"
        return lambda x: np.ascontiguousarray(np.einsum(subscripts, weight, x, optimize=True))


@register
class PlainNumpyTensordot(PlainNumpy):
    """``np.tensordot``."""

    name = "plain-numpy-tensordot"

    def product(self, p: Any, weight: Any) -> Any:
        """One call."""
        if p.layout == "nhwc":
            return lambda x: np.tensordot(x, weight, axes=(3, 1))
        return lambda x: np.ascontiguousarray(np.tensordot(x, weight, axes=(1, 1)).transpose(0, 3, 1, 2))


@register
class PlainScipyGemm(PlainNumpy):
    """``sgemm`` for every image."""

    name = "plain-scipy-gemm"
    output = "reused"

    def product(self, p: Any, weight: Any) -> Any:
        """One call for an image, or for all pixels."""
        from scipy.linalg.blas import sgemm

        y = np.empty(p.output_shape, p.dtype)

        def multiply(x: Any) -> Any:
            if p.layout == "nhwc":
                sgemm(1, weight.T, x.reshape(p.pixels, -1).T, c=y.reshape(p.pixels, -1).T, overwrite_c=1, trans_a=1)
            else:
                for xi, yi in zip(
                    x.reshape(p.batch, p.in_channels, -1), y.reshape(p.batch, p.out_channels, -1), strict=True
                ):
                    sgemm(1, xi.T, weight.T, c=yi.T, overwrite_c=1)
            return y

        return multiply


class PlainNumba(Plain):
    """The loops that numba's manual would write, over a matrix; ``parallel`` as the subclass has it."""

    output = "reused"
    parallel = False

    def prepare(self, p: Any, weight: Any, bias: Any, threads: int) -> Any:
        """Compiled for the problem's layout."""
        import numba

        y = np.empty(p.output_shape, p.dtype)
        b = np.zeros(p.out_channels, p.dtype) if bias is None else bias
        relu, step, transposed = p.activation == "relu", p.stride, weight.T.copy()

        @numba.njit(parallel=self.parallel, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
        def nchw(x: Any, w: Any, b: Any, y: Any) -> None:
            for o in numba.prange(y.shape[1]):
                for n in range(y.shape[0]):
                    for i in range(y.shape[2]):
                        y[n, o, i] = b[o]
                        for c in range(x.shape[1]):
                            for j in range(y.shape[3]):
                                y[n, o, i, j] += w[o, c] * x[n, c, i * step, j * step]
                        if relu:
                            for j in range(y.shape[3]):
                                y[n, o, i, j] = 0 if y[n, o, i, j] < 0 else y[n, o, i, j]

        @numba.njit(parallel=self.parallel, fastmath={"contract"}, error_model="numpy")  # type: ignore[untyped-decorator]
        def nhwc(x: Any, w: Any, b: Any, y: Any) -> None:
            for row in numba.prange(y.shape[0] * y.shape[1]):
                n, i = row // y.shape[1], row % y.shape[1]
                for j in range(y.shape[2]):
                    y[n, i, j] = b
                    for c in range(x.shape[3]):
                        for o in range(y.shape[3]):
                            y[n, i, j, o] += x[n, i * step, j * step, c] * w[c, o]
                    if relu:
                        for o in range(y.shape[3]):
                            y[n, i, j, o] = 0 if y[n, i, j, o] < 0 else y[n, i, j, o]

        def layer(x: Any) -> Any:
            (nchw if p.layout == "nchw" else nhwc)(x, weight if p.layout == "nchw" else transposed, b, y)
            return y

        return layer


@register
class PlainNumbaSerial(PlainNumba):
    """``njit``."""

    name = "plain-numba-serial"


@register
class PlainNumbaParallel(PlainNumba):
    """``njit(parallel=True)``."""

    name = "plain-numba-parallel"
    parallel = True
