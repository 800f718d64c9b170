"""What this machine can do at most: FMA peak and triad bandwidth, measured, for one thread budget.

Run by :mod:`ceiling_meters`, as ``python -m`` with this module's name, THREADS and PARENT, in a process of its own so
that neither numba's threads nor gigabytes of touched memory stay in the harness. Prints JSON.

Measured and not looked up: virtual machines report clocks and caches that are not theirs, and datasheet arithmetic was
seen 24 % below what the same cores then did.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cache
from threading import Barrier
from typing import Any, Final, TypeVar

import numpy as np

from pointwise_bench.common.cores import core_numbers
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.cpu import cache_bytes
from pointwise_bench.suites.harness.machine.fma_kernel import LANE_BYTES, fma_kernel
from pointwise_bench.suites.harness.machine.parent_death import die_with

T = TypeVar("T")

DTYPES: Final = ("float32", "float64")
SCALAR: Final = 3.0


@dataclass(frozen=True)
class Ceilings:
    """Upper limits for ``threads`` threads. A working set counts the triad's three arrays; so does its traffic."""

    phase: str
    threads: int
    fma_peak_flops: dict[str, float]
    triad_bytes_per_s: float
    bandwidth: list[tuple[int, float]]  # (working set in bytes, bytes/s), ascending

    def least_seconds(self, flops: int, dtype: str) -> float:
        """Seconds that ``flops`` floating-point operations take at the FMA peak; 0 for an unmeasured dtype."""
        peak = self.fma_peak_flops.get(dtype)
        return flops / peak if peak else 0.0


def measure(threads: int, phase: str) -> Ceilings:
    """All ceilings of this process with ``threads`` threads; takes a few seconds, most of them compiling."""
    with Team(threads) as team:
        ladder = [(size, _triad_bandwidth(team, size)) for size in working_sets()]
        peaks = _fma_peaks(team)
    return Ceilings(phase, threads, peaks, ladder[-1][1], ladder)


class Team:
    """A team of threads that start the same work together, each on a core of its own.

    Pinned, unlike the backends: left alone, the scheduler was seen to keep two fresh threads on one core for whole
    bursts, and a ceiling is what can be reached at best.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        cores = core_numbers()
        self._cores = iter(cores * (1 + threads // max(1, len(cores))))
        self._pool = ThreadPoolExecutor(threads, initializer=self._settle)

    def __enter__(self) -> Team:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown()

    def _settle(self) -> None:
        core = next(self._cores, None)
        if core is not None:
            os.sched_setaffinity(0, {core})  # 0 is the calling thread

    def everyone(self, work: Callable[[int], T]) -> list[T]:
        """``work(i)`` once in each thread, all at the same time."""
        barrier = Barrier(self.threads)

        def one(number: int) -> T:
            barrier.wait()
            return work(number)

        return list(self._pool.map(one, range(self.threads)))

    def seconds(self, work: Callable[[int], object]) -> float:
        """Wall seconds from the first start of ``work`` to its last end; it must release the GIL."""

        def timed(number: int) -> tuple[float, float]:
            began = time.perf_counter()
            work(number)
            return began, time.perf_counter()

        spans = self.everyone(timed)
        return max(end for _, end in spans) - min(began for began, _ in spans)


def _fma_peaks(team: Team) -> dict[str, float]:
    """FLOP/s by dtype: the best vector width. Each kernel runs several times, so that no disturbance halves a peak."""
    kernels = [(dtype, *fma_kernel(dtype, width)) for dtype in DTYPES for width in LANE_BYTES]
    peaks = dict.fromkeys(DTYPES, 0.0)
    for dtype, kernel, flops_per_iteration in kernels * POLICY.ceilings.kernel_repeats:
        peaks[dtype] = max(peaks[dtype], _fma_flops(team, dtype, kernel, flops_per_iteration))
    return peaks


def _fma_flops(team: Team, dtype: str, kernel: Callable[..., Any], flops_per_iteration: int) -> float:
    """FLOP/s of independent fused multiply-adds, all operands in registers."""
    seed = np.dtype(dtype).type(0.5)  # every chain tends to 0.5: no overflow, no denormal numbers
    kernel(1, seed)  # compiles at the first call

    def seconds(iterations: int) -> float:
        return team.seconds(lambda number: kernel(iterations, seed))

    iterations = _calibrated(seconds)
    best_s = min(seconds(iterations) for _ in range(POLICY.ceilings.repeats))
    return team.threads * iterations * flops_per_iteration / best_s


def _triad_bandwidth(team: Team, working_set: int) -> float:
    """Bytes per second of ``a = b + s * c`` in float64, each thread on its own part of the arrays."""
    elements = working_set // (3 * 8 * team.threads)
    triad = _triad_kernel()
    # Made in the threads that may use them: memory lies where it is touched first.
    parts = team.everyone(lambda number: [np.full(elements, value) for value in (0.0, 1.0, 2.0)])

    def seconds(sweeps: int) -> float:
        return team.seconds(lambda number: triad(*parts[number], SCALAR, sweeps))

    seconds(1)
    sweeps = _calibrated(seconds)
    best = min(seconds(sweeps) for _ in range(POLICY.ceilings.repeats))
    return 3 * 8 * elements * team.threads * sweeps / best


def _calibrated(seconds: Callable[[int], float]) -> int:
    """How often to repeat the work so that one measurement takes ``burst_s``."""
    count = 1
    while (took := seconds(count)) < POLICY.ceilings.burst_s / 4:
        count *= 4
    return max(1, round(count * POLICY.ceilings.burst_s / took))


@cache
def _triad_kernel() -> Callable[..., None]:
    """The compiled triad."""
    from numba import njit

    @njit(nogil=True, fastmath={"contract"})  # type: ignore[untyped-decorator]
    def triad(a: Any, b: Any, c: Any, scalar: float, sweeps: int) -> None:
        for _ in range(sweeps):
            for i in range(a.size):
                a[i] = b[i] + scalar * c[i]

    return triad  # type: ignore[no-any-return]


def working_sets() -> Iterator[int]:
    """Working sets from the first-level cache to four times the last (STREAM's rule), in steps of four.

    The last is held to an eighth of the memory: the cache that a virtual machine reports may be shared by many of them.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    largest = min(max(4 * max(cache_bytes().values(), default=0), 2**28), memory // 8)
    size = POLICY.ceilings.smallest_set_bytes
    while size < largest:
        yield size
        size *= 4
    yield largest


def main(threads: int, parent: int) -> None:
    """Compile and say so; then measure once for each line of standard input, which names the phase."""
    die_with(parent)
    for dtype in DTYPES:
        for width in LANE_BYTES:
            kernel, _ = fma_kernel(dtype, width)
            kernel(1, np.dtype(dtype).type(0.5))
    _triad_kernel()(*(np.zeros(8) for _ in range(3)), SCALAR, 1)
    print("{}", flush=True)
    for line in sys.stdin:
        print(json.dumps(asdict(measure(threads, line.strip()))), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
