"""What a run says of two versions of backends that took turns in it: each layer, and each network that is whole."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from pointwise_bench.common.status import OK
from pointwise_bench.common.verdict_rule import FEWEST_COMMON_ROUNDS
from pointwise_bench.report.analysis.wording import joined, times
from pointwise_bench.report.pages.run_analysis import RunAnalysis
from pointwise_bench.report.reading.cells import ReadCell
from pointwise_bench.report.statistics.verdicts import judge

VERDICTS: Final = ("broken", "slower", "undecided", "same", "faster", "mended", "not compared")
"""In the order in which a reader wants them."""


@dataclass(frozen=True)
class VersionChange:
    """One backend on one layer, or over all of a network: ``ratio`` is its time now over its time before.

    ``before_s`` and ``now_s`` are NaN for a network, whose ratio is not that of two sums.
    """

    backend: str
    where: str
    threads: int
    verdict: str
    reason: str = ""
    before_s: float = math.nan
    now_s: float = math.nan
    ratio: float = math.nan
    low: float = math.nan
    high: float = math.nan
    problem: str = ""
    """Its id; empty for a network."""

    @property
    def is_total(self) -> bool:
        """Whether it is of a whole network."""
        return not self.problem


def changes_between(found: RunAnalysis, names: Mapping[str, str], margin: float) -> list[VersionChange]:
    """What became of each of ``names``, whose other version has the name beside it: totals first, then layers.

    The verdict is the one of the report, said of the version that is here: different where equality lies outside of the
    interval and the ratio is beyond the margin.
    """
    return [*_totals(found, names, margin), *_layers(found, names, margin)]


def confirmed(first: Sequence[VersionChange], again: Sequence[VersionChange]) -> list[VersionChange]:
    """The changes of a run, of which those that are slower were measured ``again``: slower is what is so twice.

    Starts of one run may all have drawn ill, and the many layers of a network have many chances to. Where it is so
    twice, the second figures are shown: the first were chosen for being large.
    """
    second = {(one.backend, one.problem or one.where, one.threads): one for one in again}
    return [_twice(one, second.get((one.backend, one.problem or one.where, one.threads))) for one in first]


def _twice(one: VersionChange, again: VersionChange | None) -> VersionChange:
    if one.verdict != "slower":
        return one
    if again is not None and again.verdict == "slower":
        return replace(again, where=one.where)
    figures = "not" if again is None or again.ratio != again.ratio else times(again.ratio, again.low, again.high)
    reason = f"{times(one.ratio, one.low, one.high)} the time at first, {figures} when it was measured again"
    return replace(one, verdict="undecided", reason=reason)


def _layers(found: RunAnalysis, names: Mapping[str, str], margin: float) -> Iterator[VersionChange]:
    cells = {(cell.backend, cell.problem.id, cell.threads): cell for cell in found.run.cells}
    pairs = _pairs(found, names)
    for now in found.run.cells:
        before = cells.get((names.get(now.backend, ""), now.problem.id, now.threads))
        if before is None:
            continue
        place = now.places[0]
        where = now.problem.id if place.name == now.problem.id else f"{place.group} {place.name} ({now.problem.id})"
        row = pairs.get((now.backend, now.problem.id, now.threads))
        reason = _not_compared(before, now)
        if reason or row is None or row[3] == 0:
            verdict = _without_times(before, now)
            among_many = "of so many backends only those with one of the fastest were compared"
            reason = reason or (among_many if row is None else "they had no round in common")
            yield VersionChange(now.backend, where, now.threads, verdict, reason, problem=now.problem.id)
            continue
        ratio, low, high, rounds = row
        verdict = _verdict(ratio, low, high, margin, possible=rounds >= FEWEST_COMMON_ROUNDS)
        was, is_ = (float(np.median(one.samples)) for one in (before, now))
        yield VersionChange(
            now.backend, where, now.threads, verdict, "", was, is_, ratio, low, high, problem=now.problem.id
        )


def _totals(found: RunAnalysis, names: Mapping[str, str], margin: float) -> Iterator[VersionChange]:
    """Of networks alone, where both versions have all layers: a sum over parts of it is the time of nothing."""
    for group in found.groups:
        compared = group.compared if group.is_network and group.is_whole and len(group.layers) > 1 else None
        for now, before in names.items():
            if compared is None or not {now, before} <= {*compared.backends}:
                continue
            ratio = compared.over(before)[now]
            verdict = _verdict(*ratio, margin, possible=math.isfinite(ratio.low) and math.isfinite(ratio.high))
            where = f"{group.name}, all {len(group.layers)} layers"
            yield VersionChange(now, where, group.threads, verdict, "", math.nan, math.nan, *ratio)


def _pairs(found: RunAnalysis, names: Mapping[str, str]) -> dict[tuple[str, str, int], tuple[float, float, float, int]]:
    """By backend, problem and threads: ratio of the times, now over before, its interval, and the common rounds."""
    pairs: dict[tuple[str, str, int], tuple[float, float, float, int]] = {}
    table: Any = found.comparisons
    for row in table.itertuples(index=False):
        key = (row.problem, row.threads)
        if names.get(row.backend_b) == row.backend_a:
            pairs[row.backend_b, *key] = (row.ratio, row.low, row.high, row.rounds)
        elif names.get(row.backend_a) == row.backend_b:
            pairs[row.backend_a, *key] = (1 / row.ratio, 1 / row.high, 1 / row.low, row.rounds)
    return pairs


def _verdict(ratio: float, low: float, high: float, margin: float, *, possible: bool) -> str:
    # The rule takes the other's time over one's own.
    middle, least, most = (np.array([-math.log(each) if possible else 0.0]) for each in (ratio, high, low))
    return str(judge(middle, least, most, np.array([possible]), float(np.log1p(margin)))[0])


def _not_compared(before: ReadCell, now: ReadCell) -> str:
    if OK not in (before.status, now.status):
        return now.status if before.status == now.status else f"{before.status} before, {now.status} now"
    if before.status != OK or now.status != OK:
        failed = before if now.status == OK else now
        return f"{before.status} before, {now.status} now" + (f": {failed.reason}" if failed.reason else "")
    differ = [
        f"{what} {was} before and {is_} now"
        for what, was, is_ in (
            ("arithmetic", before.arithmetic, now.arithmetic),
            ("device", before.device, now.device),
        )
        if was != is_
    ]
    if differ:
        return joined(differ)
    # What a reduced arithmetic keeps from comparing is others: the run has no pair of it.
    return "" if now.comparable_to_others and before.comparable_to_others else "its times are compared with nobody's"


def _without_times(before: ReadCell, now: ReadCell) -> str:
    if (before.status == OK) == (now.status == OK):
        return "not compared"
    return "broken" if before.status == OK else "mended"
