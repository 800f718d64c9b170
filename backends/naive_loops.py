"""The formula, read aloud: pure Python, no array library in the loops."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from backends import Backend, Layer, Problem, register

if TYPE_CHECKING:
    from backends.backend import Array

SECONDS_PER_MAC = 60e-9  # CPython 3.11 to 3.13 need 40 to 80 ns for one turn of the inner loop
PATIENCE_S = 0.1  # a slower call would spend the run's time on the one backend that nobody will choose


@register
class NaiveLoops(Backend):
    """Seven nested loops over Python floats: every term of the sum in the order in which the formula writes it.

    Sums are carried in double precision (Python has no other float) and rounded once, on the way out.
    """

    name = "naive-loops"

    def refuses(self, problem: Problem) -> str | None:
        """A layer that pure Python would need more than :data:`PATIENCE_S` seconds for."""
        predicted_s = problem.macs * SECONDS_PER_MAC
        too_slow = f"pure Python is predicted to need over {PATIENCE_S:g} s per call"
        return super().refuses(problem) or (too_slow if predicted_s > PATIENCE_S else None)

    def prepare(self, problem: Problem, weight: Array, bias: Array | None, threads: int) -> Layer:
        """Weights as nested lists: indexing a list is several times cheaper than indexing an array."""
        import numpy as np

        weights = weight.tolist()
        biases = [0.0] * problem.out_channels if bias is None else bias.tolist()
        channels_of_group = problem.in_channels // problem.groups
        kernels_of_group = problem.out_channels // problem.groups
        stride = problem.stride

        def pixel(x: list[Any], n: int, o: int, i: int, j: int) -> float:
            """Element ``c`` of the list is channel ``c`` of one image's pixel, whichever the layout."""
            first = o // kernels_of_group * channels_of_group
            total = biases[o]
            for c in range(channels_of_group):
                source = first + c
                value = x[n][source][i][j] if problem.layout == "nchw" else x[n][i][j][source]
                total += weights[o][c] * value
            if problem.activation == "relu" and total < 0.0:  # NaN is not below zero and stays NaN
                return 0.0
            return total

        def layer(x: Array) -> Array:
            values = x.tolist()
            y = np.empty(problem.output_shape, problem.dtype)
            outputs = product(
                range(problem.batch), range(problem.out_channels), range(problem.out_height), range(problem.out_width)
            )
            for n, o, i, j in outputs:
                index = (n, o, i, j) if problem.layout == "nchw" else (n, i, j, o)
                y[index] = pixel(values, n, o, i * stride, j * stride)
            return y

        return layer
