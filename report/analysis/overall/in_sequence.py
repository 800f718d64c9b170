"""What all layers of a network are expected to take in one forward pass, from what each takes alone.

A run calls each layer again and again, so that its weights and its input stay in the caches. In a pass every layer
comes once, with weights of its own. How much longer that takes is a run's own to say, which measures some passes at its
end: of a ratio that was found on another processor the interval did not hold (docs/METHODOLOGY.md).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pointwise_bench.report.analysis.network_totals import Ratio, Total
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.statistics.order_statistics import Clusters, interval_index


class MeasuredPasses(NamedTuple):
    """One pass over the sum of its layers alone: the median of rounds, with an interval of 95 %."""

    over_sum: Ratio
    rounds: int
    seconds: float
    """Of a pass, the median: of that moment, as the sum beside it was."""

    def expected(self, total: Total) -> Total:
        """Of a sum of layers in this run: from the low end of both to the high end of both."""
        over = self.over_sum
        return Total(total.seconds * over.ratio, total.low * over.low, total.high * over.high)


def passes_of(run: Run, group: str, threads: int, backend: str) -> MeasuredPasses | None:
    """What the run has measured of it; None where it has not, or in too few rounds for an interval."""
    own = [
        one
        for one in run.settings["in_sequence"]
        if (one["group"], one["threads"], one["backend"]) == (group, threads, backend)
    ]
    if not own or interval_index(len(own[-1]["alone_s"])) is None:
        return None
    passes_s = np.asarray(own[-1]["sequence_s"], dtype=np.float64)
    ratios = Clusters.of(passes_s / np.asarray(own[-1]["alone_s"]), np.zeros(len(passes_s), np.int64))
    return MeasuredPasses(Ratio(*ratios.median_interval()), len(passes_s), float(np.median(passes_s)))
