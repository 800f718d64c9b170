"""How many rivals a pair's confidence is divided among: those that neither of both has been told from yet.

What is said of any one backend, and so of the fastest, shall hold jointly. At first its share of false verdicts is
divided among all of its rivals. Whoever was told from some of them has only the others left to err about, and these
share the whole (Holm, Scandinavian Journal of Statistics 6, 1979): the first false verdict, should there be one, is
said while no more verdicts of it were right than there are, and so has at most the share that it was given. It holds
over several looks, too (Ye, Li, Liu and Yao, Statistics in Medicine 32, 2013). Of 17 backends that are fifteen rivals
less where the two fastest are left, which otherwise took half as many starts again.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


def rivals_left(
    pairs: Sequence[tuple[Numbers, Numbers]], decided: NDArray[np.bool_], now: Numbers, of_all: Numbers
) -> Numbers:
    """For every pair of several problems, one problem after the other, among how many its confidence is divided.

    ``pairs`` holds the numbers of both series of each problem's pairs, ``decided`` whether each is so, ``now`` among
    how many it was divided for that, and ``of_all`` how many rivals there are. A pair that is decided keeps what it
    has; any other has the rivals that are left of the one of both that has more. Who was not compared is left as well.
    """
    told, begin = np.zeros_like(now), 0
    for first, second in pairs:
        own = slice(begin, begin + len(first))
        begin += len(first)
        sides = np.concatenate([first[decided[own]], second[decided[own]]])
        of_series = np.bincount(sides, minlength=1 + max(first.max(initial=0), second.max(initial=0)))
        told[own] = np.minimum(of_series[first], of_series[second])
    return np.where(decided, now, np.maximum(of_all - told, 1))
