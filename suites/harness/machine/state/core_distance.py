"""How long a word takes from core to core: when it takes far longer than usual, the cores are apart.

A virtual machine's cores are threads of another system, which moves them. Two that lay beside a common cache hand over
a word in 40 ns, and in 200 ns once one of them has been moved to another part of the chip. Layers on several threads
wait for such words: a kernel then took 85 us in the place of 61, and ONNX Runtime 112 in the place of 66, for seconds
on end and while the canary, which needs no word of another core, took as long as ever. So turns of several threads are
taken while the cores are near (:class:`Nearness`).

That rounds wait for the canary was rejected, as a neighbour's work comes and goes within a round; where cores lie
changes less often, and shows in both looks around a turn.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Final

import numpy as np

WARM: Final = 20
"""Rounds of the word before the clock: until the last thread has arrived."""
ROUNDS: Final = 200
"""On the clock: 8 to 80 us for two cores."""
MOST_SPINS: Final = 2**23
"""After which a thread that is not answered gives up, some milliseconds: another program has its neighbour's core."""
MOST_CORES: Final = 8
_LINE: Final = 64  # bytes


class CoreDistance:
    """Seconds that a word takes from one core to the next, in a ring over several of them.

    Each core has a thread that stays there: one that is kept to its core when it has been woken wakes on the core of
    whoever spins for it, and waits for that one to give up.
    """

    def __init__(self) -> None:
        lines = np.zeros((3, _LINE // 8), np.int64)
        self._line = lines[1]  # whichever cache line its first number lies in, nothing else that is used is there
        self._threads: dict[int, ThreadPoolExecutor] = {}

    def hop_s(self, cores: list[int]) -> float:
        """Of one hop, from a ring over ``cores`` (the first few of many); NaN where somebody did not answer."""
        ring = cores[:MOST_CORES]
        self._line[0] = 0
        first = self._thread_on(ring[0]).submit(self._seconds, len(ring))
        word, rounds = self._line.ctypes.data, WARM + ROUNDS
        others = [
            self._thread_on(core).submit(compiled(), word, place, len(ring), rounds, MOST_SPINS)
            for place, core in enumerate(ring[1:], 1)
        ]
        answered = [each.result() for each in others]
        return first.result() / (ROUNDS * len(ring)) if all(answered) else math.nan

    def _seconds(self, of: int) -> float:
        """Of the rounds on the clock, as the first of the ring sees them.

        It alone comes back to the interpreter between the warm ones and these: two would wait for each other there.
        """
        relay, word = compiled(), self._line.ctypes.data
        arrived = relay(word, 0, of, WARM, MOST_SPINS)
        began = time.perf_counter()
        done = relay(word, WARM * of, of, ROUNDS, MOST_SPINS)
        return time.perf_counter() - began if arrived and done else math.nan

    def _thread_on(self, core: int) -> ThreadPoolExecutor:
        if core not in self._threads:
            self._threads[core] = ThreadPoolExecutor(1, f"on-core-{core}", os.sched_setaffinity, (0, [core]))
        return self._threads[core]


@cache
def compiled() -> Callable[..., bool]:
    """A ``relay(address, first, step, rounds, most_spins)`` that releases the GIL.

    Waits until the word is ``first``, adds one, waits until it is ``first + step``, and so on. False where it gave up.
    """
    from llvmlite import ir
    from numba import njit, types
    from numba.extending import intrinsic

    word = ir.IntType(64)

    @intrinsic  # type: ignore[untyped-decorator]
    def load(typing_context: Any, address: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            return builder.load_atomic(builder.inttoptr(arguments[0], word.as_pointer()), "acquire", 8)

        return types.int64(types.int64), generate

    @intrinsic  # type: ignore[untyped-decorator]
    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            builder.store_atomic(arguments[1], builder.inttoptr(arguments[0], word.as_pointer()), "release", 8)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), generate

    @njit("b1(i8,i8,i8,i8,i8)", nogil=True)  # type: ignore[untyped-decorator]
    def relay(address: int, first: int, step: int, rounds: int, most_spins: int) -> bool:
        for number in range(rounds):
            awaited, spins = first + number * step, 0
            while load(address) != awaited:
                spins += 1
                if spins > most_spins:
                    return False
            store(address, awaited + 1)
        return True

    return relay  # type: ignore[no-any-return]
