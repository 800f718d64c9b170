"""One machine over its runs: what each network took in each of them, with the steps marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.wording import DASH, duration, times

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.groups import ReportGroup
    from pointwise_bench.report.analysis.network_totals import Total

MOST_BACKENDS: Final = 12
"""Columns of a table, by the newest run's order."""


@dataclass(frozen=True)
class Dated:
    """What of a run its machine's history needs."""

    started_at: str
    link: str
    rules: str
    groups: Sequence[ReportGroup]


@dataclass(frozen=True)
class Point:
    """A total in one run; ``step`` how it differs from the run before where it surely does, else empty."""

    text: str
    step: str


@dataclass(frozen=True)
class History:
    """One network: a row for each run, oldest first, with its rules, link and a point for each backend."""

    title: str
    backends: tuple[str, ...]
    rows: tuple[tuple[str, str, str, tuple[Point, ...]], ...]


def histories(runs: Sequence[Dated]) -> list[History]:
    """Of each network with a total in two runs or more; ``runs`` are of one machine."""
    ordered = sorted(runs, key=lambda run: (run.started_at, run.link))
    keys = {(group.name, group.threads): None for run in ordered for group in run.groups if group.is_network}
    return [found for key in sorted(keys) if (found := _history(key, ordered)) is not None]


def _history(key: tuple[str, int], runs: Sequence[Dated]) -> History | None:
    lines = [(run, totals) for run in runs if (totals := _totals(key, run))]
    if len(lines) < 2:
        return None
    newest_first = dict.fromkeys(name for _, totals in reversed(lines) for name in totals)
    backends = tuple(newest_first)[:MOST_BACKENDS]
    before: list[tuple[Dated, Mapping[str, Total]] | None] = [None, *lines]
    rows = tuple(
        (run.started_at, run.link, run.rules, tuple(_points(backends, earlier, run, totals)))
        for earlier, (run, totals) in zip(before, lines, strict=False)
    )
    name, threads = key
    return History(f"{name}, {threads} thread{'s' * (threads != 1)}", backends, rows)


def _totals(key: tuple[str, int], run: Dated) -> dict[str, Total]:
    """By backend, from the fastest on."""
    group = next((group for group in run.groups if (group.name, group.threads) == key and group.is_whole), None)
    return {one.backend: one.total for one in group.standings if one.total} if group else {}


def _points(
    backends: Sequence[str], earlier: tuple[Dated, Mapping[str, Total]] | None, run: Dated, totals: Mapping[str, Total]
) -> Iterator[Point]:
    for name in backends:
        now = totals.get(name)
        was = earlier[1].get(name) if earlier is not None and earlier[0].rules == run.rules else None
        yield Point(duration(now.seconds) if now else DASH, step(was, now) if was and now else "")


def step(was: Total, now: Total) -> str:
    """In words, where even the closest ends of both intervals differ by more than the margin: nothing is paired."""
    if now.low > was.high * (1 + MARGIN):
        return f"▲ {times(now.seconds / was.seconds)} as long"
    if now.high * (1 + MARGIN) < was.low:
        return f"▼ {times(was.seconds / now.seconds)} faster"
    return ""
