"""What is known of one machine: for each problem that was measured there, whom to use and by what evidence."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pointwise_bench.backends.problem import Problem

WHYS: Final = {
    "faster": "faster than all others",
    "simplest": "the simplest of those that are equally fast",
    "undecided": "the fastest so far, for want of evidence against others",
    "alone": "the only one that was measured",
}
"""Why an entry's backend was chosen."""

LEAST_RATIO: Final = 1e-6
LARGEST_RATIO: Final = 1e6
"""Of a rival's ratio and its interval, in the file as well: what lies beyond says no more than these."""


@dataclass(frozen=True)
class Rival:
    """Another backend beside the chosen one: its time over the chosen one's, with the interval and what it rests on.

    ``verdict`` is said of the chosen one against this one.
    """

    backend: str
    ratio: float
    low: float
    high: float
    verdict: str
    rounds: int
    starts: int


@dataclass(frozen=True)
class WisdomEntry:
    """One problem under one thread budget; ``seconds`` is the chosen backend's median, ``rivals`` ascend by ratio."""

    problem: Problem
    threads: int
    run: str
    backend: str
    why: str
    seconds: float
    rivals: tuple[Rival, ...]

    @property
    def next(self) -> Rival | None:
        """The fastest of the others."""
        return min(self.rivals, key=lambda rival: rival.ratio, default=None)

    def behind(self) -> dict[str, float]:
        """For each backend the logarithm of its time over the fastest one's."""
        ratios = {self.backend: 1.0} | {rival.backend: rival.ratio for rival in self.rivals}
        least = min(ratios.values())
        return {backend: math.log(ratio / least) for backend, ratio in ratios.items()}

    def fastest_s(self) -> float:
        """The time of the fastest, by its ratio to the chosen one's."""
        return self.seconds * min((1.0, *(rival.ratio for rival in self.rivals)))


@dataclass(frozen=True)
class Wisdom:
    """The entries of one machine with the packages that computed there; ``source`` is where they were read."""

    machine: str
    packages: Mapping[str, str]
    entries: tuple[WisdomEntry, ...]
    source: str = ""

    def thread_budgets(self) -> list[int]:
        """Those under which something was measured."""
        return sorted({entry.threads for entry in self.entries})

    def of(self, threads: int) -> list[WisdomEntry]:
        """The entries of one thread budget."""
        return [entry for entry in self.entries if entry.threads == threads]
