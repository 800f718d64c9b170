"""What the sweeps of both layouts are made from: sizes, and the panels and tiles of the weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator

from pointwise_bench.backends._microkernel.blocking import Cut, weight_panels, weight_tiles
from pointwise_bench.backends._microkernel.kernels.registers import Registers
from pointwise_bench.backends._microkernel.sweep import Memory, Sweep
from pointwise_bench.backends.problem import ITEM_BYTES, Problem


class SweepLayout(ABC):
    """A problem (forward) whose pixels lie in one way."""

    def __init__(self, problem: Problem, registers: Registers, memory: Memory) -> None:
        self._p = problem
        self._registers = registers
        self._memory = memory
        self._item = ITEM_BYTES[problem.dtype]
        self._k = problem.in_channels // problem.groups
        self._kernels = problem.out_channels // problem.groups
        self._panels = weight_panels(problem, registers)
        self._tiles = weight_tiles(problem, registers)

    @abstractmethod
    def sweeps(self, cut: Cut) -> Iterator[Sweep]:
        """What one thread computes, in order."""

    def _tile_of_weights(self, group: int, number: int) -> dict[str, int]:
        before = sum(self._tiles[:number])
        lane = group * sum(self._tiles) + before
        return {
            "lanes": self._tiles[number],
            "valid": min(self._tiles[number], self._kernels - before),
            "weight": self._memory.by_lanes + lane * self._k * self._item,
            "bias": self._memory.padded_bias + lane * self._item,
        }
