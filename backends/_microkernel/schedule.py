"""Scheduling: which thread computes what, in which order, written down before the first call.

The schedule is a list of sweeps for each thread. A sweep holds one tile of the operand that is read in vectors and
takes panel after panel of the other one past it, so that the wide operand is the one that stays in the cache. Nothing
is left to decide when the layer runs, and no thread waits for another before the end.

Ways of sharing the work are weighed against each other by a model of their cost: every thread its own pixels, every
thread its own output channels, a grid of both, or one thread alone. The first reads no pixel twice; the second still
gives every core something where a picture of 7x7 has fewer vectors of pixels than would divide evenly.
"""

from __future__ import annotations

from typing import Final

from pointwise_bench.backends._microkernel.blocking import Cut, even
from pointwise_bench.backends._microkernel.kernels.registers import Registers
from pointwise_bench.backends._microkernel.layout import SweepLayout
from pointwise_bench.backends._microkernel.planes import Planes
from pointwise_bench.backends._microkernel.rows import Rows
from pointwise_bench.backends._microkernel.sweep import BLOCKED, COPIED, DOTS, STREAMED, Memory, Sweep
from pointwise_bench.backends.problem import Problem

ADDING_UP: Final = 8  # cycles to add up a vector's elements
LATENCY: Final = 4  # cycles until a multiply-add's result can be used; a step with fewer chains waits for it
CALL: Final = 40  # cycles to enter a kernel, finish its tile and leave
REGION: Final = 6000  # cycles to wake a pool of threads and to wait for the last of them: below 2 us

_WAYS: Final[dict[tuple[Problem, Registers, int], tuple[int, int]]] = {}
"""The best way for each problem and number of threads that this process has met: weighing all of a large picture takes
30 ms, and where in memory a layer lies does not matter to it."""


class Scheduler:
    """Lays out the work of one problem (forward) for any number of threads."""

    def __init__(self, problem: Problem, registers: Registers, memory: Memory) -> None:
        self._problem = problem
        self._registers = registers
        self._scratch = memory.scratch
        self._k = problem.in_channels // problem.groups
        in_planes = problem.layout == "nchw" and problem.height * problem.width > 1
        self._layout: SweepLayout = (Planes if in_planes else Rows)(problem, registers, memory)

    def schedule(self, threads: int) -> list[list[Sweep]]:
        """For each thread its sweeps, in order: the way of sharing whose last thread is done first.

        One thread alone is a way too, and the best one where waking the others would take longer than the work.
        """
        if (known := (self._problem, self._registers, threads)) not in _WAYS:
            _WAYS[known] = self._best_way(threads)
        return self._shared(*_WAYS[known])

    def _best_way(self, threads: int) -> tuple[int, int]:
        """Into how many parts pixels and channels are cut."""
        ways = [(threads // parts, parts) for parts in range(1, threads + 1) if threads % parts == 0]
        if threads > 1:
            ways.append((1, 1))
        return min(ways, key=lambda way: self._cycles(self._shared(*way)))

    def _cycles(self, parts: list[list[Sweep]]) -> float:
        """Until the last thread is done."""
        return max(sum(map(self._cost, part)) for part in parts) + REGION * (len(parts) > 1)

    def _shared(self, pixel_parts: int, channel_parts: int) -> list[list[Sweep]]:
        places = [(pixels, channels) for pixels in range(pixel_parts) for channels in range(channel_parts)]
        return [
            list(self._layout.sweeps(Cut(pixels, pixel_parts, channels, channel_parts, scratch)))
            for (pixels, channels), scratch in zip(
                places, self._scratch, strict=False
            )  # alone, a thread leaves the others' unused
        ]

    def _cost(self, sweep: Sweep) -> float:
        """Model of a sweep's time, in cycles of a core that starts one vector multiply-add in each."""
        vectors = sweep.lanes / self._registers.lanes / sweep.tiles
        if sweep.pack == STREAMED:
            return sweep.tiles * (max(LATENCY, sweep.rows * vectors) * self._k + CALL)
        heights = even(sweep.rows, -(-sweep.rows // sweep.panels))
        if sweep.kind == DOTS:
            return sum(self._cost_of_dots(rows, sweep.lanes) for rows in heights)
        cycles = sweep.tiles * sum(max(LATENCY, rows * vectors) * self._k + CALL for rows in heights)
        cycles += len(heights) * (sweep.rest * self._k + CALL * (sweep.rest > 0))
        return cycles + (2 * sweep.tiles * vectors * self._k if sweep.pack in (BLOCKED, COPIED) else 0)

    def _cost_of_dots(self, rows: int, lanes: int) -> float:
        """The same of one tile of dot products."""
        steps = -(-self._k // self._registers.lanes)
        return max(LATENCY, rows * lanes) * steps + rows * lanes * ADDING_UP + CALL
