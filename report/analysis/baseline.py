"""Against which backend speed-ups are given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pointwise_bench.common.status import OK
from pointwise_bench.report.reading.errors import ReportError, nearest
from pointwise_bench.report.reading.run import Run


def choose_baseline(run: Run) -> str | None:
    """The backend with the most ok cells, ties by name; a naive one only where there is no other.

    A rule, not a name: the baseline must exist in every run, and a slow reference would flatter all others.
    """
    cells = Counter(cell.backend for cell in run.cells if cell.status == OK)
    return min(cells, key=lambda name: ("naive" in name.split("-"), -cells[name], name), default=None)


def check_baseline(name: str, runs: Sequence[Run]) -> None:
    """Refuse a baseline that took part in none of the runs."""
    known = {backend for run in runs for backend in run.backends}
    if name not in known:
        raise ReportError(f"--baseline {name}: no such backend in this run; nearest: {nearest(name, known)}")
