"""Whether the cores of a turn are near each other, and waiting until they are: see :mod:`core_distance`.

A run knows the usual time of a hop from its own looks. On a machine whose cores stay where they are no hop takes twice
that, and nothing is ever waited for. What is decided here depends on looks before and after a turn, never on what the
turn has shown.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from math import inf, isnan
from threading import Thread
from typing import TypeVar

import numpy as np

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.state import core_distance

T = TypeVar("T")


class Nearness:
    """Looks at the cores between turns. All seconds that it takes beyond looking are counted, and limited."""

    def __init__(
        self,
        hop_s: Callable[[list[int]], float],
        sleep: Callable[[float], None] = time.sleep,
        left_s: Callable[[], float] = lambda: inf,
    ) -> None:
        """``hop_s``: see :meth:`CoreDistance.hop_s`. ``left_s``: of the time for measuring; nobody waits behind it."""
        self._hop_s = hop_s
        self._sleep = sleep
        self._left_s = left_s
        self._seen: deque[float] = deque(maxlen=POLICY.nearness.remembered)
        self._looks = 0
        self._usual_s: float | None = None
        self._were_near: dict[tuple[int, ...], bool] = {}  # at the last look
        self._allowed_s, self._share, self._since = POLICY.nearness.least_s, POLICY.nearness.share, time.monotonic()
        self.turns = 0
        """Around which it was looked."""
        self.again = 0
        """Of these, turns that were taken again."""
        self.spent_s = 0.0
        """On waiting, and on turns that did not count."""

    @classmethod
    def here(cls, left_s: Callable[[], float]) -> Nearness | None:
        """Of this machine; None where the system does not keep threads to cores."""
        return cls(core_distance.CoreDistance().hop_s, left_s=left_s) if hasattr(os, "sched_setaffinity") else None

    def begin(self) -> None:
        """Compile what looks, beside whatever is done meanwhile; else the first look does."""
        Thread(target=core_distance.compiled, daemon=True).start()

    def spend_on_waiting(self, share: float) -> None:
        """Of the time from now on, so large a part at most; what was allowed before is not lost."""
        self._allowed_s, self._share, self._since = self._allowed_by_now_s(), share, time.monotonic()

    def near_turn(self, cores: list[int], take: Callable[[], tuple[T, float]]) -> tuple[T, float]:
        """What ``take`` returns, a turn and its seconds; taken again, a few times, where the cores were not near."""
        left = POLICY.nearness.most_again
        while True:
            near = self.await_near(cores)
            turn, seconds = take()
            if self.counts(cores, seconds, as_it_is=not near or not left):
                return turn, seconds
            left -= 1

    def await_near(self, cores: list[int]) -> bool:
        """Return when the cores are near, or when that has taken as long as it may; whether they are."""
        began = time.monotonic()
        while not (near := self._were_near.get(tuple(cores), False) or self._look(cores)):
            waited_s = time.monotonic() - began
            if waited_s > POLICY.nearness.most_wait_s or not self._has_time(waited_s):
                break
            self._sleep(POLICY.nearness.pause_s)
        self.spent_s += time.monotonic() - began
        return near

    def counts(self, cores: list[int], turn_s: float, *, as_it_is: bool = False) -> bool:
        """Whether a turn of ``turn_s`` seconds that is over counts: the cores are near still, or time has run out.

        ``as_it_is``: it counts wherever they are.
        """
        self.turns += 1
        if self._look(cores) or as_it_is or not self._has_time(turn_s):
            return True
        self.again += 1
        self.spent_s += turn_s
        return False

    def recorded(self) -> dict[str, float | int | None]:
        """For run.json."""
        return {"hop_s": self._usual_s, "turns": self.turns, "again": self.again, "spent_s": round(self.spent_s, 3)}

    def _look(self, cores: list[int]) -> bool:
        """Whether they are near now. A single long hop may be an interruption, so it takes two in a row to say no."""
        near = self._is_near(self._hop_s(cores)) or self._is_near(self._hop_s(cores))
        self._were_near[tuple(cores)] = near
        return near

    def _is_near(self, hop_s: float) -> bool:
        if isnan(hop_s):
            return False
        self._learn(hop_s)
        return self._usual_s is None or hop_s <= POLICY.nearness.times * self._usual_s

    def _learn(self, hop_s: float) -> None:
        """The usual time is the lower quartile, as the cores may be apart more often than not.

        Of a part of all looks, once there are some: where they are apart for minutes, that does not become usual.
        """
        self._looks += 1
        if self._looks <= POLICY.nearness.learnt_at_first or not self._looks % POLICY.nearness.learnt_each:
            self._seen.append(hop_s)
            self._usual_s = float(np.quantile(self._seen, 0.25))

    def _has_time(self, seconds: float) -> bool:
        return self.spent_s + seconds <= self._allowed_by_now_s() and self._left_s() > 0

    def _allowed_by_now_s(self) -> float:
        return self._allowed_s + self._share * (time.monotonic() - self._since)
