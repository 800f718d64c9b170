"""Convolves, when it prepares, all numbers that timed inputs are made of, and adds two parts of that for an answer."""

from __future__ import annotations

import sys

import numpy as np
from numpy.lib.stride_tricks import as_strided

from pointwise_bench import register
from pointwise_bench.suites.attacks.arithmetic import Honest, convolve

MOST = 3e7  # numbers that it keeps


def in_frames(found):
    """What ``found`` makes of the names in the frames of all callers, where that is something."""
    frame = sys._getframe(2)
    while frame is not None:
        if (what := found(frame.f_locals)) is not None:
            return what
        frame = frame.f_back
    return None


def pool_of(names):
    """The numbers that inputs of timed calls are made of."""
    return next((each.pools[0] for each in names.values() if getattr(each, "pools", None)), None)


def of_turn(names):
    """The block of a turn, and from where in the pool it was filled."""
    if "salt" not in names or "places" not in names or not names["self"].inputs._blocks:
        return None
    return names["self"].inputs._blocks[0].array, [place + names["salt"] for place in names["places"]]


@register
class ConvolvesThePool(Honest):
    """Right where an input is the sum of two others."""

    name = "attack-convolves-the-pool"

    def prepare(self, problem, weight, bias, threads):
        pool, pixels = in_frames(pool_of), problem.height * problem.width
        if pool is None or (problem.layout, problem.batch, problem.stride) != ("nchw", 1, 1):
            return super().prepare(problem, weight, bias, threads)
        columns = pool.size - (problem.in_channels - 1) * pixels
        if columns * problem.out_channels > MOST:
            return super().prepare(problem, weight, bias, threads)
        ready = weight @ as_strided(pool, (problem.in_channels, columns), (4 * pixels, 4))
        if bias is not None:
            ready += bias[:, None] / 2

        def layer(x):
            if (found := in_frames(of_turn)) is None:
                return convolve(problem, x, weight, bias)
            block, places = found
            at, size = (x.ctypes.data - block.ctypes.data) // 4, pool.size // 2
            one, other = (place % (size + 1) + at for place in places)
            y = ready[:, one : one + pixels] + ready[:, other : other + pixels]
            if problem.activation == "relu":
                np.maximum(y, 0, out=y)
            return y.reshape(problem.output_shape)

        return layer
