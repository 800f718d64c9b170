"""Turns of calls in a row, and the rounds of a start, in each of which every way to compute a model has a turn."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from typing import Final

TURN_S: Final = 0.05
"""Of each way in each round: long beside a wake-up of threads, and of a process that was stopped."""
FEWEST_ROUNDS: Final = 6
"""Of one start, from which on a sign test of its own has an interval of 95 %."""

Timed = Callable[[int], float]
"""Seconds of so many calls."""


def timed(call: Callable[[], object]) -> Timed:
    """As a turn: the first call finds the caches as others have left them, and is not counted."""

    def seconds(calls: int) -> float:
        call()
        began = time.perf_counter()
        for _ in range(calls):
            call()
        return max(time.perf_counter() - began, 1e-9)

    return seconds


def rounds(ways: Mapping[str, Timed], seconds: float, most: int) -> dict[str, list[float]]:
    """By way its seconds per call in each of ``most`` rounds at most.

    In each everybody has a turn, in an order that is drawn.
    """
    calls = {}
    for name, way in ways.items():
        way(1)
        calls[name] = max(1, math.ceil(TURN_S / way(1)))
    samples: dict[str, list[float]] = {name: [] for name in ways}
    began, count = time.perf_counter(), 0
    while count < FEWEST_ROUNDS or (count < most and time.perf_counter() - began < seconds):
        for name in random.sample(list(ways), len(ways)):
            samples[name].append(ways[name](calls[name]) / calls[name])
        count += 1
    return samples
