"""What a backend costs besides its time per call: preparing, the first call, processor time and memory."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pandas as pd

from pointwise_bench.report.analysis.series import by_backend
from pointwise_bench.report.analysis.wording import DASH, duration, memory
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run


@dataclass(frozen=True)
class Cost:
    """What a backend costs besides its time per call; ``break_even`` counts calls until that paid off."""

    backend: str
    prepare: str
    first_call: str
    break_even: str
    processor_share: str
    memory: str


def costs(run: Run, comparisons: pd.DataFrame, baseline: str | None) -> list[Cost]:
    """One row per backend with an ok cell; medians over its cells."""
    timed = by_backend(cell for cell in run.cells if cell.timed)
    usual = {(cell.problem.id, cell.threads): cell for cell in timed.get(baseline or "", ())}
    won = _won(comparisons, baseline)
    return [
        Cost(
            backend=backend,
            prepare=_range([cell.prepare_s for cell in cells]),
            first_call=_range([cell.first_call_s for cell in cells]),
            break_even="baseline" if backend == baseline else _break_even(cells, usual, won),
            processor_share=_processor_share(cells),
            memory=memory(max((cell.peak_rss_bytes for cell in cells if cell.peak_rss_bytes > 0), default=math.nan)),
        )
        for backend, cells in timed.items()
    ]


def _won(comparisons: pd.DataFrame, baseline: str | None) -> set[tuple[str, int, str]]:
    """(problem, threads, backend) wherever the backend was judged faster than the baseline."""
    found: set[tuple[str, int, str]] = set()
    for own, other, verdict in (("backend_a", "backend_b", "faster"), ("backend_b", "backend_a", "slower")):
        rows = comparisons[(comparisons[other] == baseline) & (comparisons["verdict"] == verdict)]
        found.update(zip(rows["problem"], rows["threads"], rows[own], strict=True))
    return found


def _range(seconds: Sequence[float]) -> str:
    """Median and largest of a series, without the cells where it was not measured."""
    known = [one for one in seconds if not math.isnan(one)]
    return f"{duration(median(known))} (≤ {duration(max(known))})" if known else DASH


def _break_even(
    cells: Sequence[ReadCell], usual: Mapping[tuple[str, int], ReadCell], won: Container[tuple[str, int, str]]
) -> str:
    """Calls after which preparing and the first call paid off against the baseline: median over the problems won.

    Only where the backend was judged faster: a gain that may be noise would promise break-even after any number.
    """
    calls = []
    for cell in cells:
        key = (cell.problem.id, cell.threads)
        if (*key, cell.backend) in won:
            other = usual[key]
            gain = float(median(other.samples)) - float(median(cell.samples))
            extra = cell.prepare_s + cell.first_call_s - other.prepare_s - other.first_call_s
            if gain > 0 and not math.isnan(extra):
                calls.append(max(0.0, extra / gain))
    if not calls:
        return "never judged faster" if usual else DASH
    return f"{median(calls):,.0f} (≤ {max(calls):,.0f})"


def _processor_share(cells: Sequence[ReadCell]) -> str:
    """Largest CPU seconds over wall seconds, by thread budget: the proof that a budget was kept."""
    largest: dict[int, float] = {}
    for cell in cells:
        if not math.isnan(cell.cpu_over_wall):
            largest[cell.threads] = max(cell.cpu_over_wall, largest.get(cell.threads, 0.0))
    return ", ".join(f"{share:.2f} of {threads}" for threads, share in sorted(largest.items())) or DASH
