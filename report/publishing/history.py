"""One machine over its runs: what each network took in each of them, with the steps marked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pointwise_bench.common.verdict_rule import ALPHA, MARGIN, PLANNED_STARTS
from pointwise_bench.report.analysis.wording import DASH, duration, threads_of, times

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.network_totals import Total
    from pointwise_bench.report.analysis.overall.recorded import Own, RecordedNetwork

MOST_BACKENDS: Final = 12
"""Columns of a table, from the newest run's fastest on."""

FEWEST_STARTS: Final = PLANNED_STARTS
"""Of each layer, in both runs, for a step: a start shifts all of its rounds alike, and of one or two nobody can tell by
how much. Of identical runs with one start each, a third to a half were marked."""

SHARE_MARKED: Final = ALPHA
"""Of totals that have not changed, at most: a simulation of starts that scatter by twice the usual holds it."""


@dataclass(frozen=True)
class Dated:
    """What of a run its machine's history needs."""

    started_at: str
    link: str
    rules: str
    networks: Sequence[RecordedNetwork]


@dataclass(frozen=True)
class Point:
    """A total in one run; ``step`` how it differs from the run before where there is evidence for that, else empty.

    ``unknown`` is why nobody can tell, where the intervals alone would have said that it differs.
    """

    text: str
    interval: str = ""
    step: str = ""
    unknown: str = ""


@dataclass(frozen=True)
class History:
    """One network: a row for each run, oldest first, with its rules, link and a point for each backend."""

    title: str
    backends: tuple[str, ...]
    rows: tuple[tuple[str, str, str, tuple[Point, ...]], ...]


def histories(runs: Sequence[Dated]) -> list[History]:
    """Of each network with a total in two runs or more; ``runs`` are of one machine."""
    ordered = sorted(runs, key=lambda run: (run.started_at, run.link))
    keys = {(group.name, group.threads): None for run in ordered for group in run.networks}
    return [found for key in sorted(keys) if (found := _history(key, ordered)) is not None]


def _history(key: tuple[str, int], runs: Sequence[Dated]) -> History | None:
    lines = [(run, totals) for run in runs if (totals := _totals(key, run))]
    if len(lines) < 2:
        return None
    newest_first = dict.fromkeys(name for _, totals in reversed(lines) for name in totals)
    backends = tuple(newest_first)[:MOST_BACKENDS]
    before: list[tuple[Dated, Mapping[str, Own]] | None] = [None, *lines]
    rows = tuple(
        (run.started_at, run.link, run.rules, tuple(_points(backends, earlier, run, totals)))
        for earlier, (run, totals) in zip(before, lines, strict=False)
    )
    name, threads = key
    return History(f"{name}, {threads_of(threads)}", backends, rows)


def _totals(key: tuple[str, int], run: Dated) -> dict[str, Own]:
    """By backend, from the fastest on: what its own layers add up to.

    A total of a run's page is the fastest one's times a ratio, whose interval knows nothing of how uncertain that is.
    """
    network = next((network for network in run.networks if (network.name, network.threads) == key), None)
    return dict(sorted(network.backends.items(), key=lambda item: item[1].total.seconds)) if network else {}


def _points(
    backends: Sequence[str], earlier: tuple[Dated, Mapping[str, Own]] | None, run: Dated, totals: Mapping[str, Own]
) -> Iterator[Point]:
    for name in backends:
        now = totals.get(name)
        was = earlier[1].get(name) if earlier is not None and earlier[0].rules == run.rules else None
        yield _point(was, now) if now else Point(DASH)


def _point(was: Own | None, now: Own) -> Point:
    seconds, low, high = now.total.seconds, now.total.low, now.total.high
    text, interval = duration(seconds), f"{duration(low)} to {duration(high)}"
    found = step(was.total, now.total) if was else ""
    if was and found and min(was.starts, now.starts) < FEWEST_STARTS:
        return Point(text, interval, unknown=f"too few starts ({was.starts}, then {now.starts})")
    return Point(text, interval, found)


def step(was: Total, now: Total) -> str:
    """In words, where even the closest ends of both intervals differ by more than the margin: nothing is paired."""
    if now.low > was.high * (1 + MARGIN):
        return f"▲ {times(now.seconds / was.seconds)} as long"
    if now.high * (1 + MARGIN) < was.low:
        return f"▼ {times(was.seconds / now.seconds)} faster"
    return ""
