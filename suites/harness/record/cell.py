"""The result of one backend on one problem with one thread budget. See docs/RESULTS_FORMAT.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pointwise_bench.common.status import Status

CellKey = tuple[str, str, int]


@dataclass(frozen=True)
class Place:
    """Where a problem stands in the catalogue: a problem of several networks has several places."""

    group: str
    name: str
    count: int = 1


@dataclass
class Cell:
    """The result of one backend on one problem with one thread budget. Times in seconds."""

    backend: str
    problem: str
    threads: int
    group: str
    name: str
    count: int
    device: str
    output: str
    isolation: str
    started_at: str
    status: Status = "ok"
    reason: str = ""
    also: list[dict[str, Any]] = field(default_factory=list)
    samples_s: list[float] = field(default_factory=list)
    round: list[int] = field(default_factory=list)
    calls: int = 0
    cache: str = "hot"
    arithmetic: str = "own"
    device_samples_s: list[float] = field(default_factory=list)
    process: list[int] = field(default_factory=list)
    canary_s: list[float] = field(default_factory=list)
    error_ratio: float | None = None
    prepare_s: float | None = None
    first_call_s: float | None = None
    cpu_over_wall: float | None = None
    page_faults_per_call: float | None = None
    peak_rss_bytes: int | None = None

    @property
    def key(self) -> CellKey:
        """What identifies a cell within a run."""
        return (self.backend, self.problem, self.threads)

    def end(self, status: Status, reason: str) -> None:
        """Close the cell without a result: its samples, and what was derived from them, are dropped."""
        self.status, self.reason = status, reason
        self.samples_s, self.device_samples_s, self.canary_s = [], [], []
        self.round, self.process = [], []
        self.cpu_over_wall = self.page_faults_per_call = None
