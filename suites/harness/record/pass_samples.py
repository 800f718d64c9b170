"""One backend's part in one pass over a problem, and how the passes' parts make a cell."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pointwise_bench.suites.harness.design.rounds import PASSES, Share
from pointwise_bench.suites.harness.record.cell import Cell

T = TypeVar("T")

ROUNDS_APART = 1000  # between the numbers of two passes' first rounds; no pass has as many


@dataclass
class PassSamples:
    """What one start of a worker showed of one backend on one problem. Times in seconds.

    Series have one entry for each round that the backend took part in, from the pass's first round on.
    """

    backend: str
    process: int
    started_at: str
    share: Share | None = None
    samples_s: list[float] = field(default_factory=list)
    device_samples_s: list[float] = field(default_factory=list)
    canary_s: list[float] = field(default_factory=list)
    error_ratio: float | None = None
    prepare_s: float | None = None
    first_call_s: float | None = None
    cpu_s: float = 0.0
    wall_s: float = 0.0
    page_faults: int | None = None
    peak_rss_bytes: int | None = None

    @property
    def calls(self) -> int:
        """Timed calls in each round; 0 before the shares are given out."""
        return self.share.calls if self.share else 0

    @property
    def timed_s(self) -> float:
        """Seconds spent inside timed calls."""
        return sum(self.samples_s) * self.calls


def deal(legs: Mapping[int, PassSamples]) -> list[tuple[int, int]]:
    """``(pass, place)`` of all rounds, in the order in which a cell has them; ``legs`` by pass.

    The rounds of the passes that every problem has are dealt out like cards, the first of each pass, the second of
    each, and so on; later passes follow. So the rounds that a slow backend has are the first ones of every other
    backend, and series can be paired by position as well as by :func:`round_number`.
    """
    dealt = [(number // PASSES, place, number) for number, leg in legs.items() for place in range(len(leg.samples_s))]
    return [(number, place) for _, place, number in sorted(dealt)]


def round_number(number: int, place: int) -> int:
    """The name of a round within its problem, by pass and place."""
    return number * ROUNDS_APART + place


def unite(blank: Cell, legs: Mapping[int, PassSamples]) -> Cell:
    """Fill ``blank`` with what the ``legs``, by pass, showed together."""
    for number, place in deal(legs):
        leg = legs[number]
        blank.round.append(round_number(number, place))
        blank.process.append(leg.process)
        blank.samples_s.append(leg.samples_s[place])
        blank.canary_s.append(leg.canary_s[place])
        if leg.device_samples_s:
            blank.device_samples_s.append(leg.device_samples_s[place])
    each = list(legs.values())
    blank.started_at = min(leg.started_at for leg in each)
    blank.calls = each[0].calls
    blank.prepare_s = legs[min(legs)].prepare_s  # later starts may find what the first one has compiled
    blank.first_call_s = _median(leg.first_call_s for leg in each)
    blank.error_ratio = max(_known(leg.error_ratio for leg in each), default=None)
    blank.cpu_over_wall = _cpu_over_wall(each)
    blank.page_faults_per_call = _page_faults_per_call(each)
    blank.peak_rss_bytes = max(_known(leg.peak_rss_bytes for leg in each), default=None)
    return blank


def _cpu_over_wall(legs: Sequence[PassSamples]) -> float | None:
    wall_s = sum(leg.wall_s for leg in legs)
    return sum(leg.cpu_s for leg in legs) / wall_s if wall_s else None


def _page_faults_per_call(legs: Sequence[PassSamples]) -> float | None:
    counted = [leg for leg in legs if leg.page_faults is not None]
    calls = sum(leg.calls * len(leg.samples_s) for leg in counted)
    return sum(leg.page_faults or 0 for leg in counted) / calls if calls else None


def _known(values: Iterable[T | None]) -> list[T]:
    return [value for value in values if value is not None]


def _median(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return statistics.median(known) if known else None
