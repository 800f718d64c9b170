"""One row per backend of a run: right or wrong, why not, what it costs before the first result."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import pandas as pd

from pointwise_bench.common.status import NOT_OK, OK, STATUSES
from pointwise_bench.report.analysis.groups import ReportGroup, Standing
from pointwise_bench.report.analysis.wording import DASH, duration, memory, three_digits, times
from pointwise_bench.report.reading.run import ReadCell, Run

_EXAMPLES: Final = 3


@dataclass(frozen=True)
class Overview:
    """One backend over all networks of a run; ``ok`` counts cells, ``led`` layers of networks."""

    backend: str
    ok: str
    led: str
    speedup: str
    of_roof: str


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


@dataclass(frozen=True)
class Cost:
    """What a backend costs besides its time per call; ``break_even`` counts calls until that paid off."""

    backend: str
    prepare: str
    first_call: str
    break_even: str
    processor_share: str
    memory: str


def overview(run: Run, timings: pd.DataFrame, groups: Sequence[ReportGroup], baseline: str | None) -> list[Overview]:
    """One row per backend, the one that leads most layers first."""
    networks = [group for group in groups if group.is_network]
    layers = sum(len(group.layers) for group in networks)
    rows = []
    for backend, cells in _by_backend(run.cells).items():
        standings = [one for group in networks for one in group.standings if one.backend == backend]
        led = sum(one.leading for one in standings)
        shares = timings.loc[timings["backend"] == backend, "percent_of_roof"].dropna()
        row = Overview(
            backend=backend,
            ok=f"{sum(cell.status == OK for cell in cells)} of {len(cells)}",
            led=f"{led} of {layers}",
            speedup="baseline" if backend == baseline else times(_mean_speedup(standings)),
            of_roof=f"{shares.median():.0f} %" if len(shares) else DASH,
        )
        rows.append((-led, backend, row))
    return [row for *_, row in sorted(rows, key=lambda entry: entry[:2])]


def _mean_speedup(standings: Sequence[Standing]) -> float:
    """Geometric mean over all layers of all networks: every layer weighs the same."""
    shared = sum(one.shared for one in standings)
    logs = sum(one.shared * math.log(one.speedup) for one in standings if one.shared)
    return math.exp(logs / shared) if shared else math.nan


def correctness(run: Run) -> list[Correctness]:
    """One row per backend, by name."""
    rows = []
    for backend, cells in _by_backend(run.cells).items():
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


def costs(run: Run, comparisons: pd.DataFrame, baseline: str | None) -> list[Cost]:
    """One row per backend with an ok cell; medians over its cells."""
    timed = _by_backend(cell for cell in run.cells if cell.timed)
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


def _by_backend(cells: Iterable[ReadCell]) -> dict[str, list[ReadCell]]:
    grouped: defaultdict[str, list[ReadCell]] = defaultdict(list)
    for cell in cells:
        grouped[cell.backend].append(cell)
    return dict(sorted(grouped.items()))


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
        return "never faster" if usual else DASH
    return f"{median(calls):,.0f} (≤ {max(calls):,.0f})"


def _processor_share(cells: Sequence[ReadCell]) -> str:
    """Largest CPU seconds over wall seconds, by thread budget: the proof that a budget was kept."""
    largest: dict[int, float] = {}
    for cell in cells:
        if not math.isnan(cell.cpu_over_wall):
            largest[cell.threads] = max(cell.cpu_over_wall, largest.get(cell.threads, 0.0))
    return ", ".join(f"{share:.2f} of {threads}" for threads, share in sorted(largest.items())) or DASH
