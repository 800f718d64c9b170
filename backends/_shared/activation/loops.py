"""Activations as loops for numba, behind a kernel that knows ReLU alone: over elements, in place."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared.loop_kernels import FAST_MATH, keep_for_the_run

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

NEW = ("relu6", "silu", "hardswish", "gelu")
"""What the kernels themselves do not know."""

PIECE = 4096
"""Elements for a thread at a time: a loop that is itself shared out is not made of vectors."""


def in_place(activation: str, dtype: str, *, parallel: bool) -> Callable[[Array], None] | None:
    """Applies it to an array of one axis; None for what the kernels do themselves."""
    return _loop(activation, dtype, parallel) if activation in NEW else None


@cache
def _loop(activation: str, dtype: str, parallel: bool) -> Any:
    from numba import from_dtype, njit, prange, types
    from numpy import dtype as element

    item = from_dtype(element(dtype))
    # Constants of the element's type: others would make all arithmetic double.
    zero, half, one, three, six = (element(dtype).type(value) for value in (0, 0.5, 1, 3, 6))
    root = element(dtype).type(math.sqrt(0.5))

    # NaN stays in all of them: it is neither less nor greater than anything.
    def relu6(v: Any) -> Any:
        v = zero if v < zero else v
        return six if v > six else v

    def silu(v: Any) -> Any:
        return v / (one + math.exp(-v))

    def hardswish(v: Any) -> Any:
        part = v + three
        part = zero if part < zero else part
        return v * ((six if part > six else part) / six)

    def gelu(v: Any) -> Any:
        return half * v * (one + math.erf(v * root))

    of_one = njit({"relu6": relu6, "silu": silu, "hardswish": hardswish, "gelu": gelu}[activation], inline="always")

    def over_all(y: Array) -> None:
        for piece in prange((y.size + PIECE - 1) // PIECE):
            for at in range(piece * PIECE, min(y.size, (piece + 1) * PIECE)):
                y[at] = of_one(y[at])

    signature = types.void(types.Array(item, 1, "C"))
    options = {
        "parallel": parallel,
        "fastmath": FAST_MATH,
        "error_model": "numpy",
        "cache": keep_for_the_run(parallel=parallel),
    }
    return njit(signature, **options)(over_all)
