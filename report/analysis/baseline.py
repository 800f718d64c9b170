"""Against which backend speed-ups are given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pointwise_bench.common.status import OK
from pointwise_bench.common.what_people_use import WHAT_PEOPLE_USE
from pointwise_bench.report.reading.errors import ReportError, nearest
from pointwise_bench.report.reading.run import Run


def choose_baseline(run: Run) -> str | None:
    """The first of :data:`WHAT_PEOPLE_USE` that has an ok cell, else the backend with the most of them.

    Ties by name, and a naive one only where there is no other: a slow reference would flatter all others.
    """
    cells = Counter(cell.backend for cell in run.cells if cell.status == OK)
    used = [name for name in WHAT_PEOPLE_USE if cells[name]]
    return min(used[:1] or cells, key=lambda name: ("naive" in name.split("-"), -cells[name], name), default=None)


def check_baseline(name: str, runs: Sequence[Run]) -> None:
    """Refuse a baseline that took part in none of the runs."""
    known = {backend for run in runs for backend in run.backends}
    if name not in known:
        raise ReportError(f"--baseline {name}: no such backend in this run; nearest: {nearest(name, known)}")
