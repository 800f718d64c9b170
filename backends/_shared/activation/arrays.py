"""Activations on NumPy's arrays, in place, with memory that is made once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

# erf(z) = z P(z^2) / Q(z^2) for |z| <= 4, beyond which it is 1 in float32: the coefficients of Eigen's
# `generic_fast_erf_float`, the highest power first. NumPy has no erf.
ABOVE = (
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
)
BELOW = (
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
    -1.42647390514189e-02,
)


def in_place(p: Problem) -> Callable[[Array], None] | None:
    """Applies the activation to a ``y`` of ``problem.output_shape``; None where there is none."""
    import numpy as np

    # Arrays of the right type: NumPy takes longer to make one of Python's 0 than to cut off a small result.
    zero, three, six = (np.full((), value, p.dtype) for value in (0, 3, 6))
    room = np.empty(p.output_shape if p.activation in ("silu", "hardswish", "gelu") else (0,), p.dtype)

    def relu(y: Array) -> None:
        np.maximum(y, zero, out=y)

    def relu6(y: Array) -> None:
        np.clip(y, zero, six, out=y)

    def silu(y: Array) -> None:
        with np.errstate(over="ignore", invalid="ignore"):  # beyond the largest power the result is zero
            np.negative(y, room)
            np.exp(room, room)
            np.add(room, 1, room)
            np.divide(y, room, y)

    def hardswish(y: Array) -> None:
        with np.errstate(invalid="ignore"):
            np.add(y, three, room)
            np.clip(room, zero, six, out=room)
            np.divide(room, six, room)
            np.multiply(y, room, y)

    by_name = {"relu": relu, "relu6": relu6, "silu": silu, "hardswish": hardswish}
    return by_name.get(p.activation) if p.activation != "gelu" else _gelu(p, room)


def _gelu(p: Problem, room: Array) -> Callable[[Array], None]:
    """By erf: of float32 as a quotient of polynomials; of float64 Python's own, one number after the other."""
    import numpy as np

    if p.dtype == "float64":
        erf_of_each = np.frompyfunc(math.erf, 1, 1)

        def exact(y: Array) -> None:
            room[...] = erf_of_each(y * math.sqrt(0.5))
            _finish(y)

    square, below = np.empty_like(room), np.empty_like(room)

    def polynomial(coefficients: tuple[float, ...], sum_: Array) -> None:
        np.multiply(square, coefficients[0], sum_)
        for each in coefficients[1:-1]:
            np.add(sum_, each, sum_)
            np.multiply(sum_, square, sum_)
        np.add(sum_, coefficients[-1], sum_)

    def rational(y: Array) -> None:
        np.multiply(y, math.sqrt(0.5), room)
        np.clip(room, -4, 4, out=room)
        np.multiply(room, room, square)
        polynomial(BELOW, below)
        np.divide(room, below, room)
        polynomial(ABOVE, below)
        np.multiply(room, below, room)
        _finish(y)

    def _finish(y: Array) -> None:
        with np.errstate(invalid="ignore"):
            np.add(room, 1, room)
            np.multiply(room, 0.5, room)
            np.multiply(y, room, y)

    return exact if p.dtype == "float64" else rational
