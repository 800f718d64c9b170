"""What a variant is made of: the backend's own 1x1 convolution, and steps in NumPy that are the same for all backends.

A k x k convolution is composed from the 1x1: ``Patches`` lay the k * k pixels under the kernel side by side as
channels, and a pointwise product over k * k * C channels does the rest ("im2col", K. Chellapilla, S. Puri, P. Simard,
High Performance Convolutional Neural Networks for Document Processing, 2006). So every convolution here is done by the
same code of the same backend, and what differs is the arithmetic alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pointwise_bench import Problem
from pointwise_bench.backends.problem import Layout


@dataclass(frozen=True, kw_only=True)
class Patches:
    """Of every output pixel the ``size`` x ``size`` input pixels around it, as channels; zeros beyond the border.

    Channel ``(i * size + j) * channels + c`` of the result is channel ``c`` of the pixel in row ``i``, column ``j`` of
    the window. With an odd ``size`` and stride 1 width and height stay as they are ("same" padding).
    """

    batch: int
    channels: int
    height: int
    width: int
    size: int
    stride: int = 1
    layout: Layout = "nchw"

    def __post_init__(self) -> None:
        if self.size % 2 == 0:
            raise ValueError(f"size must be odd, so that a window has a middle, got {self.size}")

    @property
    def border(self) -> int:
        """Pixels that a window reaches beyond its middle."""
        return self.size // 2

    @property
    def out_height(self) -> int:
        """Windows from top to bottom: their middles are the rows 0, stride, 2 * stride, ..."""
        return (self.height - 1) // self.stride + 1

    @property
    def out_width(self) -> int:
        """Windows from left to right, by the same rule."""
        return (self.width - 1) // self.stride + 1

    def product(self, out_channels: int) -> Problem:
        """The 1x1 convolution that makes a k x k convolution of the patches."""
        return Problem(
            batch=self.batch,
            in_channels=self.size**2 * self.channels,
            out_channels=out_channels,
            height=self.out_height,
            width=self.out_width,
            layout=self.layout,
        )


@dataclass(frozen=True)
class Relu:
    """``max(y, 0)`` in a call of its own, on the result of ``problem``."""

    problem: Problem


@dataclass(frozen=True)
class Subsample:
    """Every ``stride``-th pixel of the result of ``problem``, in both directions."""

    problem: Problem
    stride: int


Stage = Problem | Patches | Relu | Subsample


def convolution(before: Problem, out_channels: int, size: int, stride: int = 1) -> tuple[Patches, Problem]:
    """The two stages of a ``size`` x ``size`` convolution of an input such as that of ``before``."""
    patches = Patches(
        batch=before.batch,
        channels=before.in_channels,
        height=before.height,
        width=before.width,
        size=size,
        stride=stride,
        layout=before.layout,
    )
    return patches, patches.product(out_channels)


def written(stage: Stage) -> dict[str, Any]:
    """The stage as plain values for a message between processes."""
    if isinstance(stage, Problem):
        return {"kind": "product", "problem": stage.id}
    if isinstance(stage, Patches):
        return {"kind": "patches"} | vars(stage)
    if isinstance(stage, Relu):
        return {"kind": "relu", "problem": stage.problem.id}
    return {"kind": "subsample", "problem": stage.problem.id, "stride": stage.stride}


def read(values: dict[str, Any]) -> Stage:
    """The stage that :func:`written` wrote."""
    rest = dict(values)
    kind = rest.pop("kind")
    if kind == "patches":
        return Patches(**rest)
    problem = Problem.parse(rest.pop("problem"))
    if kind == "subsample":
        return Subsample(problem, **rest)
    return Relu(problem) if kind == "relu" else problem
