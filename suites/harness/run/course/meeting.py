"""What the passes so far have shown of one trial: by it the finals decide who is started again."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from pointwise_bench.suites.harness.run.contenders import Parts
from pointwise_bench.suites.harness.run.plan import PlannedTrial


@dataclass(frozen=True)
class Meeting:
    """A trial, and the parts of those of its backends that may still be started."""

    planned: PlannedTrial
    parts: Parts

    @property
    def best_s(self) -> float:
        """Seconds per call of the fastest, each by the first pass that it took part in."""
        return min(map(self.first_median_s, self.parts))

    def first_median_s(self, backend: str) -> float:
        """Seconds per call in the first pass that the backend took part in."""
        own = self.parts[backend]
        return statistics.median(own[min(own)].samples_s)
