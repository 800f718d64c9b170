"""Gradients as matrix products: that of the input is a forward layer whose weights are transposed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pointwise_bench.backends._shared.arrays import read_pixels
from pointwise_bench.backends.backend import Layer
from pointwise_bench.backends.problem import Problem

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array

ALL_DIRECTIONS = ("forward", "backward-input", "backward-weight")


def exchanged(p: Problem) -> Problem:
    """The forward problem that maps ``dy`` to those pixels of ``dx`` which the stride reads."""
    return replace(
        p,
        in_channels=p.out_channels,
        out_channels=p.in_channels,
        height=p.out_height,
        width=p.out_width,
        stride=1,
        bias=False,
        activation="none",
        direction="forward",
    )


def transposed(p: Problem, weight: Array) -> Array:
    """The weights of :func:`exchanged`: transposed by group, shape ``(in_channels, out_channels // groups)``."""
    by_group = weight.reshape(p.groups, p.out_channels // p.groups, -1).transpose(0, 2, 1)
    return by_group.reshape(p.in_channels, -1).copy()


def input_gradient(
    p: Problem,
    weight: Array,
    forward: Callable[[Problem, Array, None], Layer],
    zeros: Callable[[], Any] | None = None,
    *,
    fresh: bool = False,
) -> Layer:
    """``layer(dy)`` from a backend's own ``forward(problem, weight, bias)``.

    Above stride 1 the pixels that are read are written into an array of zeros, one for all calls or, ``fresh``, a new
    one in each. ``zeros`` makes it, of ``problem.input_shape``, in the backend's library; NumPy's by default.
    """
    import numpy as np

    make = zeros or (lambda: np.zeros(p.input_shape, p.dtype))
    layer = forward(exchanged(p), transposed(p, weight), None)

    def spread(dy: Any, dx: Any) -> Any:
        read_pixels(p, dx)[...] = layer(dy)
        return dx

    if p.stride == 1:
        return layer
    if fresh:
        return lambda dy: spread(dy, make())
    reused = make()  # what the stride skips is zero from the beginning and never written
    return lambda dy: spread(dy, reused)


def grouped(p: Problem, pixels: Any) -> Any:
    """``dy``, or those pixels of ``x`` that the stride reads, as the product for the gradient of the weights has them.

    In NCHW ``(image, group, channel, pixel)``, in NHWC ``(pixel, group, channel)``. Any library's array.
    """
    if p.layout == "nhwc":
        return pixels.reshape((p.pixels, p.groups, pixels.shape[3] // p.groups))
    return pixels.reshape((p.batch, p.groups, pixels.shape[1] // p.groups, p.out_height * p.out_width))


def pixel_axes(p: Problem) -> tuple[int, int, int]:
    """The axes of ``y`` that the gradient of the bias sums over: images, rows and columns."""
    return (0, 2, 3) if p.layout == "nchw" else (0, 1, 2)


def result_shapes(p: Problem) -> list[tuple[int, ...]]:
    """The shapes of what the layer returns: one, or those of the gradients of weights and bias."""
    if p.direction == "backward-weight":
        return [p.weight_shape, (p.out_channels,)][: 1 + p.bias]
    return [p.output_shape if p.direction == "forward" else p.input_shape]


def input_shape(p: Problem) -> tuple[int, ...]:
    """The shape of the one input of a forward layer, ``x``, or of ``backward-input``, ``dy``."""
    return p.input_shape if p.direction == "forward" else p.output_shape
