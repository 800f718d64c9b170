"""One backend's part in one pass over a problem, and how the passes' parts make a cell."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.cell import Cell

T = TypeVar("T")


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
    wall_s: float = 0.0  # of timed calls
    page_faults: int | None = None
    peak_rss_bytes: int | None = None

    @property
    def calls(self) -> int:
        """Timed calls in each round; 0 before the shares are given out."""
        return self.share.calls if self.share else 0


def order_rounds(parts: Mapping[int, PassSamples]) -> list[tuple[int, int]]:
    """``(pass, place)`` of all rounds, in the order in which a cell has them; ``parts`` by pass.

    The rounds of the passes that every problem has alternate: the first round of each pass, then the second of each,
    and so on; the rounds of later passes follow. So the rounds that a slow backend has are the first ones of every
    other backend, and series can be paired by position as well as by :func:`round_number`.
    """
    ordered = [
        (number // POLICY.rounds.passes, place, number)
        for number, part in parts.items()
        for place in range(len(part.samples_s))
    ]
    return [(number, place) for _, place, number in sorted(ordered)]


def round_number(number: int, place: int) -> int:
    """The name of a round within its problem, by pass and place."""
    return number * ROUNDS_APART + place


def unite_passes(blank: Cell, parts: Mapping[int, PassSamples]) -> Cell:
    """Fill ``blank`` with what the ``parts``, by pass, showed together."""
    for number, place in order_rounds(parts):
        part = parts[number]
        blank.round.append(round_number(number, place))
        blank.process.append(part.process)
        blank.samples_s.append(part.samples_s[place])
        blank.canary_s.append(part.canary_s[place])
        if part.device_samples_s:
            blank.device_samples_s.append(part.device_samples_s[place])
    each = list(parts.values())
    blank.started_at = min(part.started_at for part in each)
    blank.calls = each[0].calls
    blank.prepare_s = parts[min(parts)].prepare_s  # later starts may find what the first one has compiled
    blank.first_call_s = _median(part.first_call_s for part in each)
    blank.error_ratio = max(_known(part.error_ratio for part in each), default=None)
    blank.cpu_over_wall = _cpu_over_wall(each)
    blank.page_faults_per_call = _page_faults_per_call(each)
    blank.peak_rss_bytes = max(_known(part.peak_rss_bytes for part in each), default=None)
    return blank


def _cpu_over_wall(parts: Sequence[PassSamples]) -> float | None:
    wall_s = sum(part.wall_s for part in parts)
    return sum(part.cpu_s for part in parts) / wall_s if wall_s else None


def _page_faults_per_call(parts: Sequence[PassSamples]) -> float | None:
    counted = [part for part in parts if part.page_faults is not None]
    calls = sum(part.calls * len(part.samples_s) for part in counted)
    return sum(part.page_faults or 0 for part in counted) / calls if calls else None


def _known(values: Iterable[T | None]) -> list[T]:
    return [value for value in values if value is not None]


def _median(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return statistics.median(known) if known else None
