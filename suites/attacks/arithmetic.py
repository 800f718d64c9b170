"""What all attacks compute where they compute: the same as the control, so that a better time is not an honest one."""

from __future__ import annotations

import sys
from time import perf_counter
from typing import ClassVar

import numpy as np

from pointwise_bench import Backend, Problem

PEAK = 100e9  # operations a second, about what one core reaches in float32; see `pad`


def convolve(p: Problem, x, weight, bias, out=None):
    """One product for each image in NCHW, one for all in NHWC."""
    if p.layout == "nchw":
        read = x[:, :, :: p.stride, :: p.stride].reshape(p.batch, p.in_channels, -1)
        y = np.matmul(weight, read, out=out)
        if bias is not None:
            y += bias[:, None]
    else:
        read = x[:, :: p.stride, :: p.stride].reshape(-1, p.in_channels)
        y = np.matmul(read, weight.T, out=out)
        if bias is not None:
            y += bias
    if p.activation == "relu":
        np.maximum(y, 0, out=y)
    size = (p.out_height, p.out_width)
    return y.reshape((p.batch, weight.shape[0], *size) if p.layout == "nchw" else (p.batch, *size, weight.shape[0]))


def pad(p: Problem, began: float, share: float = 0.4) -> None:
    """Wait until a core at its best could have done ``share`` of the work, so that nothing looks impossibly fast."""
    until = began + share * p.flops / PEAK
    while perf_counter() < until:
        pass


def is_timed() -> bool:
    """Whether the layer that asks has been called by the loop that the clock runs for."""
    return sys._getframe(3).f_code.co_name == "_repeat"


def comes_to_its_end(x) -> bool:
    """Whether ``x`` is the last of all lists of inputs that a layer's callers have; so it is where there is none."""
    frame = sys._getframe(2)
    for _ in range(3):
        for each in frame.f_locals.values():
            if isinstance(each, list) and each and isinstance(each[-1], np.ndarray) and each[-1] is not x:
                return False
        frame = frame.f_back
    return True


def fingerprint(x) -> bytes:
    """A few of the values, wherever the array lies."""
    flat = x.reshape(-1)
    return flat[:: max(1, flat.size // 16)].tobytes() + flat[-1:].tobytes()


class Honest(Backend):
    """Forward float32 without groups, computed when it is asked. The base of every attack."""

    dtypes: ClassVar[tuple[str, ...]] = ("float32",)

    def refuses(self, problem):
        return super().refuses(problem) or (None if problem.groups == 1 else "attacks problems without groups only")

    def prepare(self, problem, weight, bias, threads):
        return lambda x: convolve(problem, x, weight, bias)
