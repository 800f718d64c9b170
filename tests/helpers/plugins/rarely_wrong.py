"""A right backend, and copies of it that are each wrong on few problems: what the correctness suite must still find."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from pointwise_bench import Backend, Problem, register
from pointwise_bench.backends.problem import ACTIVATIONS
from pointwise_bench.suites.harness.verify.reference import activated


@register
class RarelyRight(Backend):
    """One product in float64 for each group. Nothing is wrong with this one: the control."""

    name = "rarely-right"
    activations = ACTIVATIONS  # the edges end in each of them in turn, and who refuses some is asked fewer

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """The layer; ``threads`` matters to one of the faults."""
        p, kernels = (
            problem,
            weight.astype(np.float64).reshape(problem.groups, -1, problem.in_channels // problem.groups),
        )

        def layer(x: Any) -> Any:
            planes = x if p.layout == "nchw" else x.transpose(0, 3, 1, 2)
            planes = planes[:, :, :: p.stride, :: p.stride].astype(np.float64)
            pixels = p.out_height * p.out_width
            with np.errstate(all="ignore"):  # infinity is asked
                y = np.matmul(kernels, planes.reshape(p.batch, p.groups, p.in_channels // p.groups, pixels))
                y = y.reshape(p.batch, p.out_channels, p.out_height, p.out_width)
                y = y if bias is None else y + bias[:, None, None]
                y = activated(p.activation, y)
            self.spoil(p, y, threads)
            return np.ascontiguousarray(y if p.layout == "nchw" else y.transpose(0, 2, 3, 1)).astype(p.dtype)

        return layer

    def spoil(self, p: Problem, y: Any, threads: int) -> None:
        """Nothing: it is right."""


@register
class OddChannels(RarelyRight):
    """A loop over pairs of channels, with a remainder that is wrong."""

    name = "rarely-odd-channels"

    def spoil(self, p: Problem, y: Any, threads: int) -> None:
        """Add one to the last output channel."""
        if p.in_channels // p.groups % 2 and p.in_channels > 1:
            y[:, -1] += 1


@register
class LastRow(RarelyRight):
    """Rows at stride 2 are counted by ``height // 2``, which forgets the last one of an odd number."""

    name = "rarely-last-row"

    def spoil(self, p: Problem, y: Any, threads: int) -> None:
        """Leave the last row unwritten."""
        if p.stride == 2 and p.height % 2 and p.height > 1:
            y[:, :, -1] = 0


@register
class TwoThreads(RarelyRight):
    """Pixels are cut in halves, and the remainder is nobody's."""

    name = "rarely-two-threads"

    def spoil(self, p: Problem, y: Any, threads: int) -> None:
        """Leave the last pixel unwritten."""
        if threads > 1 and p.out_height * p.out_width % 2 and p.macs > 1e6:
            y[:, :, -1, -1] = 0


@register
class ThreeAtOnce(RarelyRight):
    """A kernel of its own for float64 in NHWC with a bias."""

    name = "rarely-three-at-once"

    def spoil(self, p: Problem, y: Any, threads: int) -> None:
        """Leave the last output channel unwritten."""
        if p.dtype == "float64" and p.layout == "nhwc" and p.bias:
            y[:, -1] = 0


@register
class Remembers(RarelyRight):
    """Answers in float64 are kept, and are right: only time tells that an input seen before is not computed again.

    As it works on copies of what it is given, which is the same in every call then.
    """

    name = "rarely-remembers"

    def to_device(self, array: Any) -> Any:
        """A copy."""
        return np.array(array)

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Any:
        """The layer with a memory; what is new to it takes some milliseconds."""
        compute, known = super().prepare(problem, weight, bias, threads), {}
        if problem.dtype != "float64":
            return compute

        def layer(x: Any) -> Any:
            key = x.tobytes()
            if key not in known:
                time.sleep(0.004)
                known[key] = compute(x)
            return known[key]

        return layer
