"""Which backends were right, and the cells without a valid time with the reason for each."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from pointwise_bench.common.status import NOT_OK, OK, STATUSES
from pointwise_bench.report.analysis.series import by_backend
from pointwise_bench.report.analysis.wording import DASH, three_digits
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.reading.run import Run

_EXAMPLES: Final = 3


@dataclass(frozen=True)
class Correctness:
    """``counts`` follow :data:`STATUSES`; ``worst`` is the largest measured error over the allowed bound."""

    backend: str
    counts: list[int]
    worst: str
    where: str


@dataclass(frozen=True)
class Failure:
    """Cells of one backend that share a status and a reason."""

    backend: str
    status: str
    reason: str
    cells: int
    examples: str


def correctness(run: Run) -> list[Correctness]:
    """One row per backend, by name."""
    rows = []
    for backend, cells in by_backend(run.cells).items():
        counts = Counter(cell.status for cell in cells)
        checked = [cell for cell in cells if not math.isnan(cell.error_ratio)]
        worst = max(checked, key=lambda cell: cell.error_ratio, default=None)
        rows.append(
            Correctness(
                backend=backend,
                counts=[counts[status] for status in STATUSES],
                worst=three_digits(worst.error_ratio) if worst else DASH,
                where=worst.problem.id if worst else "",
            )
        )
    return rows


def outcomes(rows: Sequence[Correctness]) -> tuple[list[tuple[int, str]], list[str]]:
    """The statuses that ``rows`` have, each with its place in their counts, and those that nobody has.

    A column for each of the others would hide the last ones, which say who is how near to wrong, on a phone.
    """
    had = [any(row.counts[place] for row in rows) for place in range(len(STATUSES))]
    there: list[tuple[int, str]] = [
        (place, status) for place, status in enumerate(STATUSES) if had[place] or status == OK
    ]
    return there, [status for place, status in enumerate(STATUSES) if not had[place] and status != OK]


def failures(run: Run) -> list[Failure]:
    """The cells without a valid time, grouped by backend, status and reason; the gravest first."""
    grouped: defaultdict[tuple[str, str, str], list[ReadCell]] = defaultdict(list)
    for cell in run.cells:
        if cell.status != OK:
            grouped[cell.status, cell.backend, cell.reason].append(cell)
    rows = []
    for (status, backend, reason), cells in sorted(grouped.items(), key=lambda item: (_gravity(item[0][0]), item[0])):
        problems = list(dict.fromkeys(cell.problem.id for cell in cells))
        more = f" and {len(problems) - _EXAMPLES} more" if len(problems) > _EXAMPLES else ""
        rows.append(
            Failure(backend, status, reason or "no reason given", len(cells), ", ".join(problems[:_EXAMPLES]) + more)
        )
    return rows


def _gravity(status: str) -> int:
    return NOT_OK.index(status) if status in NOT_OK else len(NOT_OK)
