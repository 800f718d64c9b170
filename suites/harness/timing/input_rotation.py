"""What the calls of a turn are given: the same inputs in every call (a hot cache), or other ones (a cold cache)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import cycle, islice, repeat
from math import ceil
from typing import Any, Final

import psutil

from pointwise_bench import Backend
from pointwise_bench.common.formats import Cache
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.cpu import cache_bytes
from pointwise_bench.suites.harness.memory.guarded_arrays import Array, Inputs, OnDevice

# Bound before any plugin is loaded, which could change the policy's own fields later.
LAST_LEVEL_CACHES: Final = POLICY.timing.last_level_caches
MOST_COPIES: Final = POLICY.timing.most_copies
SHARE_OF_MEMORY: Final = POLICY.timing.share_of_memory


class InputRotation:
    """The inputs of the timing, as the harness has them (``sources``) and on the device; the gate checks the first."""

    def __init__(self, backend: Backend, originals: tuple[Array, ...], cache: Cache = "hot") -> None:
        copies = 1 if cache == "hot" else cold_copies(sum(each.nbytes for each in originals))
        self.sources = [Inputs(originals) for _ in range(copies)]
        self._sets: list[OnDevice] = [tuple(map(backend.to_device, source.arrays)) for source in self.sources]
        self._endless: Iterator[OnDevice] = cycle(self._sets)

    @property
    def first(self) -> OnDevice:
        """The inputs that the gate checks once more after the timing."""
        return self._sets[0]

    def next(self) -> OnDevice:
        """The inputs of one call."""
        return next(self._endless)

    def take(self, calls: int) -> Iterable[Any]:
        """What ``calls`` calls are given: single arrays, or pairs where the layer takes two. Made before the clock."""
        if len(self._sets) == 1:
            return repeat(_alone(self.first), calls)
        return [_alone(each) for each in islice(self._endless, calls)]

    def check_untouched(self) -> None:
        """``WrongAnswer`` if any of them was written to."""
        for source in self.sources:
            source.check_untouched()


def cold_copies(size: int) -> int:
    """How many inputs of ``size`` bytes are in rotation."""
    wanted = LAST_LEVEL_CACHES * max(cache_bytes().values(), default=2**25)
    possible = int(SHARE_OF_MEMORY * psutil.virtual_memory().available)
    return max(2, min(MOST_COPIES, ceil(min(wanted, possible) / max(size, 1)) + 1))


def _alone(inputs: OnDevice) -> Any:
    return inputs[0] if len(inputs) == 1 else inputs
