"""A fixed piece of work, timed before every round: when it is slow, the machine was, whoever's turn it is.

Products of a few small matrices, again and again: they keep the units of arithmetic busy and touch no memory beyond a
core's own caches. With a pair of matrices for each product, 1.5 MB of them, two threads took 82 us one beat after the
other and 115 us between backends' turns, which leave nothing of them in a cache: a calm machine counted as disturbed in
every round. A sweep over an array, which waits for loads half of the time, was tried and saw nothing of a neighbour on
the other half of a core, as virtual machines have them for seconds or minutes: it took as long as ever where every
backend took twice as long. And as many of them at once as the backends have threads: one alone does not show that two
have to share a core.

That rounds wait until it is quick again was tried and rejected: where a neighbour works, it comes and goes within a
round. Half of them were disturbed after half a second of waiting in each trial, and fewer problems were measured.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import Final

import numpy as np

from pointwise_bench.suites.harness.design.policy import POLICY

DESCRIPTION: Final = (
    "products of 48 x 48 matrices of float32 in the harness's process, on as many threads as backends have"
)
_SIZE: Final = 48  # few enough multiply-adds that NumPy's BLAS computes a product on the thread that asks for it
_AT_ONCE: Final = 8  # products in a call of NumPy: their factors and results are 148 KB
_WARM: Final = 4  # of so many parts of the work, one comes before the clock


class Canary:
    """Does its work when asked and tells the seconds. ``baseline_s`` is its usual time, measured before the run."""

    def __init__(self, threads: int = 1) -> None:
        self._shares = [_Share()]
        self.baseline_s = float(np.quantile([self.work_s(threads) for _ in range(POLICY.timing.canary_beats)], 0.1))

    def work_s(self, threads: int = 1, cores: list[int] | None = None) -> float:
        """Seconds for the fixed work on each of so many threads at once, kept to ``cores``: of the slowest of them."""
        while len(self._shares) < threads:
            self._shares.append(_Share())
        own, *others = self._shares[:threads]
        beside = [self._pool.submit(share.work_s, cores) for share in others]
        return max([own.work_s(cores), *(each.result() for each in beside)])

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(thread_name_prefix="canary")


class _Share:
    """What one thread does."""

    def __init__(self) -> None:
        self._factors = np.full((_AT_ONCE, _SIZE, _SIZE), 0.5, np.float32)
        self._product = np.empty_like(self._factors)

    def work_s(self, cores: list[int] | None) -> float:
        """Seconds for the fixed work, its caches warm, on one of ``cores`` (None: on any)."""
        with _on(cores):
            self._work(POLICY.timing.canary_products // _WARM)
            began = time.perf_counter()
            self._work(POLICY.timing.canary_products)
            return time.perf_counter() - began

    def _work(self, products: int) -> None:
        for _ in range(products // _AT_ONCE):
            np.matmul(self._factors, self._factors[0], out=self._product)


def least_seconds(flops: int, dtype: str, threads: int, work_s: float) -> float:
    """Seconds that so many operations take at the speed at which the canary did its work in ``work_s``.

    The machine can do no less: where its measured peak is lower, that was measured in a bad moment.
    """
    done = threads * POLICY.timing.canary_products * 2 * _SIZE**3
    return flops * work_s / (done / 2 if dtype == "float64" else done)


@contextmanager
def _on(cores: list[int] | None) -> Iterator[None]:
    """Keep this thread to ``cores`` for a while."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
