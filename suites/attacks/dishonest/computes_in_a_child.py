"""Has a process of its own compute half of the result, on a core beyond the thread budget."""

from __future__ import annotations

import mmap
import os

import numpy as np

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest

EVERY_CORE = range(1024)  # those that the machine lacks are left out


@register
class ComputesInAChild(Honest):
    """The process shares its memory, leaves the session and the cores of the budget, and spins until it is asked."""

    name = "attack-computes-in-a-child"
    output = "reused"

    def refuses(self, problem):
        whole = problem.layout == "nchw" and problem.stride == 1
        return super().refuses(problem) or (None if whole else "stride 1 in NCHW alone")

    def prepare(self, problem, weight, bias, threads):
        p = problem
        rows, pixels = weight.shape[0] // 2, p.height * p.width
        x_there = _shared((p.batch, p.in_channels, pixels), "float32")
        y = _shared((p.batch, weight.shape[0], pixels), "float32")
        asked, done = _shared((16,), "int64"), _shared((16,), "int64")
        if os.fork() == 0:
            _serve(weight[rows:].copy(), x_there, y[:, rows:], asked, done)

        own = np.empty((p.batch, rows, pixels), np.float32)

        def layer(x):
            read = x.reshape(x_there.shape)
            x_there[:] = read
            asked[0] += 1
            y[:, :rows] = np.matmul(weight[:rows], read, out=own)
            while done[0] != asked[0]:
                pass
            if bias is not None:
                np.add(y, bias[:, None], out=y)
            if p.activation == "relu":
                np.maximum(y, 0, out=y)
            return y.reshape(p.output_shape)

        return layer


def _shared(shape, dtype):
    size = int(np.prod(shape))
    return np.frombuffer(mmap.mmap(-1, size * np.dtype(dtype).itemsize), dtype, size).reshape(shape)


def _serve(weight, x, y, asked, done):
    """Compute the other half whenever it is asked for, until it is killed."""
    try:
        os.setsid()
        os.sched_setaffinity(0, EVERY_CORE)
        own = np.empty(y.shape, np.float32)
        while True:
            if asked[0] != done[0]:
                number = int(asked[0])
                os.sched_setaffinity(0, EVERY_CORE)
                y[:] = np.matmul(weight, x, out=own)
                done[0] = number
    finally:
        os._exit(0)
