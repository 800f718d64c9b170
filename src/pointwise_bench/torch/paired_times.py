"""Two ways to compute one thing, timed in turns: how much faster the second is, with an interval."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable
from typing import Final, NamedTuple

from pointwise_bench.common.verdict_rule import ALPHA
from pointwise_bench.report.statistics.order_statistics import interval_index

LOOKS: Final = (21, 63, 189)
"""Rounds after which it is asked whether one is faster; each look has its share of what the interval may miss. On a
machine that others use 21 rounds left a model alone that they had at 2.9 times its speed, from 1.00 to 5.16."""
TURN_S: Final = 0.02
"""Of each way in each round: long beside a clock's tick and a wake-up of a thread."""
LONGEST_S: Final = 10.0
"""Of all rounds, as soon as they are enough for an interval."""


class SpeedUp(NamedTuple):
    """Time of the first over time of the second: the median of rounds, with a sign test's interval."""

    ratio: float
    low: float
    high: float


def paired(first: Callable[[], object], second: Callable[[], object]) -> SpeedUp:
    """In each round both take their turn, in an order that is drawn: what slows the machine meets both.

    There are more rounds until the interval, of 95 % over all looks, lies on one side of 1.
    """
    began = time.perf_counter()
    _timed(second, 1)
    calls = max(1, math.ceil(TURN_S / _timed(first, 1)))
    ratios: list[float] = []
    share = ALPHA / len(LOOKS)
    while len(ratios) < LOOKS[-1]:
        ways = [(0, first), (1, second)]
        random.shuffle(ways)
        seconds = {number: _timed(way, calls) for number, way in ways}
        ratios.append(seconds[0] / seconds[1])
        if len(ratios) in LOOKS and _decided(speed_up(ratios, share)):
            break
        if interval_index(len(ratios), share) is not None and time.perf_counter() - began > LONGEST_S:
            break
    return speed_up(ratios, share)


def _decided(found: SpeedUp) -> bool:
    return found.low > 1 or found.high < 1


def speed_up(ratios: list[float], alpha: float = ALPHA) -> SpeedUp:
    """Of the ratios of the rounds; where they are too few for the interval it is all that was seen."""
    ordered = sorted(ratios)
    end = interval_index(len(ordered), alpha) or 0
    return SpeedUp(ordered[len(ordered) // 2], ordered[end], ordered[-1 - end])


def _timed(way: Callable[[], object], calls: int) -> float:
    way()  # finds the caches as the other way has left them; that one is not counted
    began = time.perf_counter()
    for _ in range(calls):
        way()
    return max(time.perf_counter() - began, 1e-9) / calls
