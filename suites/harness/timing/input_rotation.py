"""What the calls of a turn are given: parts of one block (a hot cache), or copies of one input (a cold cache)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from math import ceil
from random import Random
from ssl import RAND_bytes  # as below
from typing import Any, Final, TypeVar

import psutil
from numpy import ndarray  # bound before any plugin is loaded, which can replace it in its module later

from pointwise_bench import Backend
from pointwise_bench.common.formats import Cache
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.cpu import cache_bytes
from pointwise_bench.suites.harness.memory.guarded_arrays import Array, Inputs, OnDevice
from pointwise_bench.suites.harness.memory.input_windows import LINES, Places, Windows, moved, where

# Bound before any plugin is loaded, which could change the policy's own fields later.
LAST_LEVEL_CACHES: Final = POLICY.timing.last_level_caches
MOST_COPIES: Final = POLICY.timing.most_copies
SHARE_OF_MEMORY: Final = POLICY.timing.share_of_memory
T = TypeVar("T")

ORDERS: Final = [
    [(first + stride * number) % (LINES + 1) for number in range(LINES + 1)]
    for stride in (1, 8, 14, 18, 27, 38, 47, 51)  # without a divisor in common with their number
    for first in range(LINES + 1)
]
"""In which the windows come, one behind another. If each were drawn, who keeps results while no part of the block is
rewritten would have a quarter of those of calls of 10 us for nothing, and so has a sixteenth; of calls of 2 us it is
three of five, as there are no more windows than these."""

_SALT_BYTES: Final = 6
DRAWN: Final = 1000
"""Inputs of a turn that are drawn, or somewhat more; further ones are the same again. Drawing each by itself took 0.1
us, which is a share of a turn of short calls that no clock explains: 4 % where a call takes 1.7 us."""


class InputRotation:
    """The inputs of the timing, as the harness has them (``sources``) and on the device; the gate checks the first.

    ``pools``: see :mod:`input_windows`; without them, or where a backend makes copies of what it is given, every call
    of a hot cache gets the first.
    """

    def __init__(
        self, backend: Backend, originals: tuple[Array, ...], cache: Cache = "hot", pools: tuple[Array, ...] = ()
    ) -> None:
        copies = 1 if cache == "hot" else cold_copies(sum(each.nbytes for each in originals))
        self.sources = [Inputs(originals) for _ in range(copies)]
        self._sets: list[OnDevice] = [tuple(map(backend.to_device, source.arrays)) for source in self.sources]
        self.renewals = 0
        """Of parts of the block, since it was filled."""
        self._random = Random()  # noqa: S311  # by the system's entropy; which window comes next is no secret for long
        self._blocks: list[Windows] = []
        self.lines: list[int] | None = None
        """Where in the block the inputs of the last calls began; None where they are the first input, or copies."""
        if cache == "hot" and pools:
            self._open_windows(backend, originals, pools)
        self._endless: Iterator[OnDevice] = cycle(self._sets if not self._blocks else self._windows)

    @property
    def first(self) -> OnDevice:
        """The inputs that the gate checks once more after the timing."""
        return self._sets[0]

    def are_views(self) -> bool:
        """Whether the backend works on the harness's own memory."""
        return all(map(is_view, self.first, self.sources[0].arrays))

    def fill(self, places: Places) -> int:
        """New values for all calls until the next; nothing where there are no windows.

        Returns by what both places were moved, which is drawn now: ``places`` have been in the worker for some calls,
        in frames that a plugin can read.
        """
        salt = int.from_bytes(RAND_bytes(_SALT_BYTES), "big")
        self.renewals = 0
        for block in self._blocks:
            block.fill(moved(places, salt))
        return salt

    def renew(self) -> None:
        """New values for a part of what all calls are given until the next filling; nothing where it is no windows."""
        for block in self._blocks:
            block.renew()
        self.renewals += len(self._blocks) > 0

    def next(self) -> OnDevice:
        """The inputs of one call."""
        return next(self._endless)

    @property
    def last_line(self) -> int | None:
        """Where the input of the last timed call began, as :func:`input_windows.where` tells it."""
        return None if self.lines is None else where(self.lines[-1], self.renewals)

    def take(self, calls: int) -> list[Any]:
        """What ``calls`` calls are given: single arrays, or pairs where the layer takes two. Made before the clock."""
        if self._blocks:
            orders = self._random.choices(ORDERS, k=ceil(min(calls, DRAWN) / len(ORDERS[0])))
            lines = [line for order in orders for line in order]
            self.lines = _repeated(lines, calls)
            return _repeated([self._alone[line] for line in lines], calls)
        if len(self._sets) == 1:
            return [_alone(self.first)] * calls
        return [_alone(each) for each in islice(self._endless, calls)]

    def end_after(self, calls: int) -> None:
        """Of what was taken last, so many are called for and no more."""
        if self.lines is not None and calls < len(self.lines):
            self.lines = self.lines[:calls]

    def check_untouched(self) -> None:
        """``WrongAnswer`` if any of them was written to."""
        for source in self.sources:
            source.check_untouched()
        for block in self._blocks:
            block.check_untouched()

    def _open_windows(self, backend: Backend, originals: tuple[Array, ...], pools: tuple[Array, ...]) -> None:
        """Windows on the device, where those are views: of copies, one would lie in the caches for each."""
        if not self.are_views():
            return
        blocks = [Windows(each.shape, pool) for each, pool in zip(originals, pools, strict=True)]
        self._blocks = blocks
        self._windows: list[OnDevice] = [
            tuple(map(backend.to_device, arrays)) for arrays in zip(*(block.windows for block in blocks), strict=True)
        ]
        self._alone = [_alone(each) for each in self._windows]


def is_view(on_device: Any, array: Array) -> bool:
    """Whether what a backend has made of ``array`` lies in the array's own memory, as far as it tells where it lies.

    Who tells a false place gets nothing of it: what was made of the array's values is worth nothing once they change.
    """
    return on_device is array or array.size == 0 or array.ctypes.data in _places(on_device)


def _places(on_device: Any) -> set[int]:
    """Where an array of some library says that it lies."""
    if isinstance(on_device, ndarray):
        return {on_device.ctypes.data}
    places = set()
    for name in ("data_ptr", "unsafe_buffer_pointer"):  # of torch and ONNX Runtime; of JAX
        place = getattr(on_device, name, None)
        if callable(place):
            places.add(place())
    data = getattr(on_device, "data", None)  # of OpenVINO
    return places | ({data.ctypes.data} if isinstance(data, ndarray) else set())


def cold_copies(size: int) -> int:
    """How many inputs of ``size`` bytes are in rotation."""
    wanted = LAST_LEVEL_CACHES * max(cache_bytes().values(), default=2**25)
    possible = int(SHARE_OF_MEMORY * psutil.virtual_memory().available)
    return max(2, min(MOST_COPIES, ceil(min(wanted, possible) / max(size, 1)) + 1))


def _alone(inputs: OnDevice) -> Any:
    return inputs[0] if len(inputs) == 1 else inputs


def _repeated(drawn: list[T], count: int) -> list[T]:
    """As many, over and over again from the first one."""
    return (drawn * ceil(count / len(drawn)))[:count]
