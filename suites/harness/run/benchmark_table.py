"""Putting a worker's times into pytest-benchmark's own statistics, table and JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest

from pointwise_bench.common.status import SKIPPED
from pointwise_bench.suites.harness.claims.claim_file import ClaimResult
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.run.session import BudgetSpent

SAMPLES = ("samples_s", "branches_s", "device_samples_s", "canary_s", "process", "round")


class MeasuredClock:
    """A clock that stands still but for the seconds that a worker has measured.

    pytest-benchmark takes a timer by marker and honours it in ``pedantic`` mode: with this one it reads, round by
    round, what happened in another process.
    """

    __name__ = "measured_seconds"  # shown in pytest-benchmark's JSON

    def __init__(self) -> None:
        self._now_s = 0.0

    def __call__(self) -> float:  # noqa: D102  # what a clock does
        return self._now_s

    def restart(self) -> None:
        """Back to zero: sums stay small, so that a microsecond keeps all its digits."""
        self._now_s = 0.0

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` go by."""
        self._now_s += seconds


CLOCK = MeasuredClock()


def publish(measure: Callable[[], Cell], benchmark: Any) -> None:
    """Report a cell as the outcome of the running test: a timing, a skip with its reason, or an expected failure."""
    if benchmark.disabled:
        pytest.skip("timing is switched off (--benchmark-disable)")
    try:
        cell = measure()
    except BudgetSpent as spent:
        pytest.skip(str(spent))
    benchmark.group = f"{cell.group} {cell.name} ({cell.problem}, threads: {cell.threads})"
    benchmark.extra_info.update({name: value for name, value in asdict(cell).items() if name not in SAMPLES})
    if cell.status in SKIPPED:
        pytest.skip(f"{cell.status}: {cell.reason}")
    if cell.status != "ok":
        # Not a failure: the run did what it is for, which is to find that out. The summary and the report say it; the
        # untimed suites are where a wrong backend fails.
        pytest.xfail(f"{cell.backend} on {cell.problem}: {cell.status}: {cell.reason}")
    samples = iter(cell.samples_s)
    CLOCK.restart()
    benchmark.pedantic(lambda: _advance(samples), rounds=len(cell.samples_s), iterations=1)


def publish_claim(measure: Callable[[], ClaimResult], benchmark: Any) -> None:
    """The same for a claim: the times shown are those of its last variant; the report compares it with the others."""
    if benchmark.disabled:
        pytest.skip("timing is switched off (--benchmark-disable)")
    try:
        finding = measure()
    except BudgetSpent as spent:
        pytest.skip(str(spent))
    benchmark.group = f"claim {finding.claim} (threads: {finding.threads})"
    benchmark.extra_info.update({name: value for name, value in asdict(finding).items() if name not in SAMPLES})
    if finding.status in SKIPPED:
        pytest.skip(f"{finding.status}: {finding.reason}")
    if finding.status != "ok":
        pytest.xfail(f"{finding.backend} on {finding.claim}: {finding.status}: {finding.reason}")
    samples = list(finding.samples_s.values())[-1]
    CLOCK.restart()
    rest = iter(samples)
    benchmark.pedantic(lambda: _advance(rest), rounds=len(samples), iterations=1)


def _advance(samples: Iterator[float]) -> None:
    # pytest-benchmark calls once more than it has rounds when it profiles; that call takes no measured time.
    CLOCK.advance(next(samples, 0.0))
