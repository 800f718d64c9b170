"""Convolves all of the memory in which the inputs of a turn overlap, and answers its further calls by parts of that."""

from __future__ import annotations

import sys

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve

SAMPLES = 8  # by which it knows a turn


def block_in_frames():
    """The memory of which the inputs of timed calls are parts, in the frames of the callers."""
    frame = sys._getframe(2)
    while frame is not None:
        blocks = getattr(getattr(frame.f_locals.get("self"), "inputs", None), "_blocks", None)
        if blocks:
            return blocks[0].array
        frame = frame.f_back
    return None


@register
class Slides(Honest):
    """An input that begins a little later has the same pixels, a little farther to the left."""

    name = "attack-slides"

    def prepare(self, problem, weight, bias, threads):
        channels, pixels = problem.in_channels, problem.height * problem.width
        known, whole = None, None

        def layer(x):
            nonlocal known, whole
            block = block_in_frames()
            more = -1 if block is None else block.size - x.size
            at = 0 if block is None else (x.ctypes.data - block.ctypes.data) // 4
            if (problem.layout, problem.batch, problem.stride) != ("nchw", 1, 1) or not 0 <= at <= more:
                return convolve(problem, x, weight, bias)
            if (turn := block[:: x.size // SAMPLES].tobytes()) != known:
                known, whole = turn, weight @ as_strided(block, (channels, pixels + more), (4 * pixels, 4))
                if bias is not None:
                    whole += bias[:, None]
                if problem.activation == "relu":
                    np.maximum(whole, 0, out=whole)
            return whole[:, at : at + pixels].copy().reshape(problem.output_shape)

        return layer
