"""Plain loops for numba: the formula without any blocking.

The innermost loop runs along the contiguous axis, so that LLVM vectorises it: pixels in NCHW, output channels in NHWC
(for which the weights are transposed once).
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends.backend import RUN_CACHE

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

# Allows multiply and add to fuse and nothing else: the full fastmath would assume that NaN and infinity never occur.
FAST_MATH = {"contract"}


@cache
def kernels(parallel: bool) -> dict[str, Any]:
    """The loops by layout, made on first use, as importing numba takes long.

    The sums begin with bias and residual; ``residual`` is any array of the shape of ``y`` where nothing is added.
    ``parallel`` spreads the outermost loop over numba's threads; without it ``prange`` is ``range``.
    """
    from numba import njit, prange

    kept = keep_for_the_run(parallel=parallel)
    compiled = njit(parallel=parallel, fastmath=FAST_MATH, error_model="numpy", cache=kept)

    @compiled  # type: ignore[untyped-decorator]
    def nchw(
        x: Array, weight: Array, bias: Array, groups: int, add: bool, residual: Array, relu: bool, y: Array
    ) -> None:
        batch, out_channels, height, width = y.shape
        channels = weight.shape[1]
        per_group = out_channels // groups
        for plane in prange(batch * out_channels):
            n, o = plane // out_channels, plane % out_channels
            first = o // per_group * channels
            for i in range(height):
                for j in range(width):
                    y[n, o, i, j] = bias[o] + residual[n, o, i, j] if add else bias[o]
                for c in range(channels):
                    w = weight[o, c]
                    for j in range(width):
                        y[n, o, i, j] += w * x[n, first + c, i, j]
                if relu:
                    for j in range(width):
                        if y[n, o, i, j] < 0:  # noqa: PLR1730  # max() would turn NaN into zero
                            y[n, o, i, j] = 0

    # `y` and `weight` have an axis for groups: numba takes an index that does not count from 0 for one that may be
    # negative, and a loop with such indices is not vectorised.
    @compiled  # type: ignore[untyped-decorator]
    def nhwc(
        x: Array, weight: Array, bias: Array, groups: int, add: bool, residual: Array, relu: bool, y: Array
    ) -> None:
        batch, height, width, _, per_group = y.shape
        channels = weight.shape[0]
        for row in prange(batch * height):
            n, i = row // height, row % height
            for j in range(width):
                for group in range(groups):
                    for o in range(per_group):
                        start = bias[group * per_group + o]
                        y[n, i, j, group, o] = start + residual[n, i, j, group, o] if add else start
                    for c in range(channels):
                        value = x[n, i, j, group * channels + c]
                        for o in range(per_group):
                            y[n, i, j, group, o] += value * weight[c, group, o]
                    if relu:
                        for o in range(per_group):
                            if y[n, i, j, group, o] < 0:  # noqa: PLR1730
                                y[n, i, j, group, o] = 0

    return {"nchw": nchw, "nhwc": nhwc}


@cache
def gradient(parallel: bool, dtype: str, contiguous: bool) -> Any:
    """The gradient of the weights for one element type; ``contiguous``: of pictures that are C-contiguous in NCHW.

    Others are of one type here, whatever their strides. Left to itself, numba would look at each: a picture in NHWC
    is C-contiguous in NCHW too if it has one channel or one pixel, and in Fortran's order if it has one row, and for
    each pair of these kinds there would be seconds of compiling for the same code.
    """
    from numba import from_dtype, njit, prange, types
    from numpy import dtype as element

    item = from_dtype(element(dtype))
    picture = types.Array(item, 4, "C" if contiguous else "A", readonly=True)
    signature = types.void(
        picture, picture, types.int64, types.Array(item, 2, "C"), types.Array(item, 1, "C"), types.boolean
    )

    # A sum is a vector only where its terms may be added in another order; what NaN and infinity do stays as it is.
    summing = njit(
        signature,
        parallel=parallel,
        fastmath=FAST_MATH | {"reassoc"},
        error_model="numpy",
        cache=keep_for_the_run(parallel=parallel),
    )

    @summing  # type: ignore[untyped-decorator]
    def of_weights(x: Array, dy: Array, groups: int, dw: Array, db: Array, bias: bool) -> None:
        batch, out_channels, height, width = dy.shape
        channels = dw.shape[1]
        per_group = out_channels // groups
        zero = dw.dtype.type(0)
        for o in prange(out_channels):
            for c in range(channels):
                total = zero
                for n in range(batch):
                    for i in range(height):
                        for j in range(width):
                            total += dy[n, o, i, j] * x[n, o // per_group * channels + c, i, j]
                dw[o, c] = total
            if bias:
                total = zero
                for n in range(batch):
                    for i in range(height):
                        for j in range(width):
                            total += dy[n, o, i, j]
                db[o] = total

    return of_weights


def keep_for_the_run(*, parallel: bool) -> bool:
    """Have numba keep what it compiles in the folder of the run, for the next start; False where there is none.

    The parallel loops take more than a second for each of their types, which every start of a worker would pay anew.
    Serial and parallel loops have a folder each: numba finds what it keeps by the function and its types and not by
    the options, so that in one folder whoever came second would run the code of whoever came first.
    """
    folder = os.environ.get(RUN_CACHE)
    if folder is None:
        return False
    from numba import config

    config.CACHE_DIR = str(Path(folder, "numba", "parallel" if parallel else "serial"))
    return True
