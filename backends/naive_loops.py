"""The formula, read aloud: pure Python, no array library in the loops."""

from __future__ import annotations

from itertools import product
from typing import Any

from pointwise_bench import Array, Backend, Layer, Problem, register
from pointwise_bench.backends._shared import gradients, halves
from pointwise_bench.backends._shared.activation.numbers import activated
from pointwise_bench.backends._shared.arrays import read_pixels
from pointwise_bench.backends.problem import ACTIVATIONS

SECONDS_PER_MAC = 60e-9  # CPython 3.11 to 3.13 need 40 to 80 ns for one turn of the inner loop
PATIENCE_S = 0.1  # a slower call would spend the run's time on the one backend that is here for comparison only


@register
class NaiveLoops(Backend):
    """Nested loops over Python floats: every term of the sum in the order in which the formula writes it.

    Sums are carried in double precision (Python has no other float) and rounded once, on the way out.
    """

    name = "naive-loops"
    directions = gradients.ALL_DIRECTIONS
    activations, adds = ACTIVATIONS, True

    def refuses(self, problem: Problem) -> str | None:
        """A layer that pure Python would need more than :data:`PATIENCE_S` seconds for."""
        too_slow = f"pure Python is predicted to need over {PATIENCE_S:g} s per call"
        return super().refuses(problem) or (too_slow if problem.macs * SECONDS_PER_MAC > PATIENCE_S else None)

    def prepare(self, problem: Problem, weight: Array | None, bias: Array | None, threads: int) -> Layer:
        """The layer of the problem's direction. Indexing lists is several times cheaper than indexing arrays."""
        if weight is None:
            return _weight_gradient(problem)
        if problem.direction == "backward-input":
            return gradients.input_gradient(problem, weight, _forward, fresh=True)
        return _forward(problem, weight, bias)


def _forward(p: Problem, weight: Array, bias: Array | None) -> Layer:
    weights = weight.astype(float).tolist()
    biases = [0.0] * p.out_channels if bias is None else bias.astype(float).tolist()
    channels, kernels = p.in_channels // p.groups, p.out_channels // p.groups

    def pixel(total: float, x: list[Any], n: int, o: int, i: int, j: int) -> float:
        for c, source in enumerate(range(o // kernels * channels, (o // kernels + 1) * channels)):
            total += weights[o][c] * (x[n][source][i][j] if p.layout == "nchw" else x[n][i][j][source])
        return activated(p.activation, total)

    def layer(x: Array, residual: Array | None = None) -> Array:
        values, (y,) = x.astype(float).tolist(), halves.buffers(p)
        for index in product(*map(range, y.shape)):
            n, o, i, j = index if p.layout == "nchw" else (index[0], index[3], index[1], index[2])
            start = biases[o] if residual is None else biases[o] + float(residual[index])
            y[index] = pixel(start, values, n, o, i * p.stride, j * p.stride)
        return y

    return layer


def _weight_gradient(p: Problem) -> Layer:
    """Images and pixels are one axis here, the first of both lists."""
    channels, kernels = p.in_channels // p.groups, p.out_channels // p.groups

    def by_pixel(array: Array) -> list[Any]:
        pixels = array if p.layout == "nhwc" else array.transpose(0, 2, 3, 1)
        return pixels.astype(float).reshape(p.pixels, pixels.shape[3]).tolist()

    def layer(x: Array, dy: Array) -> Array | tuple[Array, ...]:
        results, pixels = halves.buffers(p), list(zip(by_pixel(read_pixels(p, x)), by_pixel(dy), strict=True))
        for o, c in product(range(p.out_channels), range(channels)):
            results[0][o, c] = sum(dys[o] * xs[o // kernels * channels + c] for xs, dys in pixels)
        if p.bias:
            results[1][...] = [sum(dys[o] for _, dys in pixels) for o in range(p.out_channels)]
        return results if p.bias else results[0]

    return layer
