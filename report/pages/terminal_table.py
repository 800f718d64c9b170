"""What a run came to in ten lines of plain text: the networks, who is fastest on each, and how certain that is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pointwise_bench.common.verdict_rule import ALPHA, MARGIN
from pointwise_bench.report.analysis.groups import ReportGroup, Standing
from pointwise_bench.report.analysis.trust.health import unreached, unstable
from pointwise_bench.report.analysis.wording import DASH, above_roof, duration, threads_of, times
from pointwise_bench.report.pages.answers import answer
from pointwise_bench.report.pages.run_analysis import RunAnalysis

MOST_ROWS: Final = 10
"""Networks that are shown; whoever measures more has a page to look at."""

MOST_NAMES: Final = 3
"""Of backends that are equally fast."""

_LEGEND: Final = (
    f"[low, high]: {100 * (1 - ALPHA):g} % interval; =: the same within {100 * MARGIN:g} %; "
    "?: not enough evidence to tell"
)

Row = tuple[str, ...]


def terminal_table(found: RunAnalysis) -> list[str]:
    """The lines, without line ends; none for a run without shapes."""
    groups = [group for group in found.groups if group.is_network]
    lines = [f"UNSTABLE MACHINE: {said}"] if (said := unstable(found.run)) else []
    lines += [f"not reached: {names}"] if (names := unreached(found.run)) else []
    if groups:
        over = f"over {found.baseline}" if found.baseline else ""
        head = ("network", "fastest", "all layers", "ahead of the next", over, "of the roof")
        budgets = {group.threads for group in groups}
        rows = [_row(group, found.baseline, len(budgets) > 1) for group in groups[:MOST_ROWS]]
        lines += [*_aligned([head, *rows]), *_not_shown(groups), _LEGEND]
    elif found.groups:
        most = [("shapes", "fastest or the same most often", "on")]
        most += [(_title(one, True), answer(one).fastest, answer(one).layers) for one in found.groups[:MOST_ROWS]]
        lines += [*_aligned(most), *_not_shown(found.groups)]
    return lines


def _title(group: ReportGroup, with_threads: bool) -> str:
    return f"{group.called}, {threads_of(group.threads)}" if with_threads else group.called


def _row(group: ReportGroup, baseline: str | None, with_threads: bool) -> Row:
    title, said = _title(group, with_threads), answer(group)
    if not said.whole:
        return title, f"{said.layers} layers", *[DASH] * 4
    if not group.leaders:
        return title, said.fastest, DASH, said.lead, DASH, DASH
    first = group.leaders[0]
    assert first.total is not None
    names = " = ".join(_first_of([one.backend for one in group.leaders])) + "?" * bool(group.undecided)
    roof = "above it" if above_roof(first.of_roof) else f"{100 * first.of_roof:.0f} %"
    roof = DASH if first.of_roof != first.of_roof else roof
    return title, names, duration(first.total.seconds), _next(group), _over(group.standings, first, baseline), roof


def _first_of(names: Sequence[str]) -> Sequence[str]:
    further = len(names) - MOST_NAMES
    return names if further <= 1 else [*names[:MOST_NAMES], f"{further} more"]


def _next(group: ReportGroup) -> str:
    """The closest of those that are not as fast, or of those of whom that cannot be told."""
    unclear, slower = group.undecided, group.next_slower
    parts = [f"{_against(unclear[0])}?" + f" and {len(unclear) - 1} more" * (len(unclear) > 1)] if unclear else []
    parts += [_against(slower)] if slower else []
    return "; ".join(parts) or "nobody else with all layers"


def _against(standing: Standing) -> str:
    return f"{times(*standing.behind)} {standing.backend}" if standing.behind else standing.backend


def _over(standings: Sequence[Standing], first: Standing, baseline: str | None) -> str:
    if first.backend == baseline:
        return "is it"
    behind = next((one.behind for one in standings if one.backend == baseline), None)
    return times(*behind) if behind else DASH


def _aligned(rows: Sequence[Row]) -> Iterable[str]:
    """Columns as wide as their widest entry; two blanks keep them apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _not_shown(groups: Sequence[ReportGroup]) -> list[str]:
    further = len(groups) - MOST_ROWS
    return [f"and {further} more: on the page"] if further > 0 else []
