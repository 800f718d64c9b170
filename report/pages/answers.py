"""Which backend is fastest, by how much and how certain that is: the sentences of a group and of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pandas as pd

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.groups import ReportGroup
from pointwise_bench.report.analysis.wording import duration, first_of, joined, threads_of, times
from pointwise_bench.report.statistics.chosen_pairs import MOST_AGAINST_ALL

# Of missing layers, and of backends that cannot be told from the fastest.
_NAMED: Final = 3


@dataclass(frozen=True)
class NetworkAnswer:
    """Which backend is fastest for a group, by how much and how certain that is.

    ``fastest`` names all that lead, ``total`` is the first one's: empty where a sum over the group means nothing or no
    backend has all layers. ``layers`` says on how many it is the fastest or the same; where the group is not ``whole``,
    how many of its layers have a time. Where it is not ``settled``, somebody else could be the fastest.
    """

    group: str
    threads: int
    fastest: str
    total: str
    lead: str
    layers: str
    whole: bool = True
    settled: bool = True


def answer(group: ReportGroup) -> NetworkAnswer:
    """The answer for a network; for other groups the backend that leads most often."""
    if group.is_network and not group.is_whole:
        return _incomplete(group)
    if not (group.is_network and group.leaders):
        return _most_often(group)
    first = group.leaders[0]
    assert first.total is not None
    seconds, led = duration(first.total.seconds), f"{first.leading} of {len(group.layers)}"
    names, settled = joined(one.backend for one in group.leaders), not group.undecided
    fastest = names if settled else f"{names}?"
    return NetworkAnswer(group.called, group.threads, fastest, seconds, _certainty(group), led, settled=settled)


def _incomplete(group: ReportGroup) -> NetworkAnswer:
    """Of a part of a network there is no winner: the layers that are left out may be those on which it would lose."""
    missing = first_of([layer.name or layer.problem for layer in group.missing], _NAMED)
    said = f"incomplete: {group.covered} of {len(group.layers)}"
    return NetworkAnswer(group.called, group.threads, "none", "", f"without a time: {missing}", said, whole=False)


def _certainty(group: ReportGroup) -> str:
    """Who is as fast, of whom that cannot be told, and how far the leaders are ahead of the next one."""
    parts = [f"the same within {100 * MARGIN:g} %"] * (len(group.leaders) > 1)
    if group.undecided:
        parts.append(f"not enough evidence against {first_of([one.backend for one in group.undecided], _NAMED)}")
    slower = group.next_slower
    if slower is not None and slower.behind is not None:
        parts.append(f"{times(*slower.behind)} ahead of {slower.backend}")
    return "; ".join(parts) or "the only one with comparable times for all layers"


def _most_often(group: ReportGroup) -> NetworkAnswer:
    most = max((standing.leading for standing in group.standings), default=0)
    names = [standing.backend for standing in group.standings if standing.leading == most and standing.timed]
    reason = "no backend has comparable times for all layers" if group.is_network else ""
    if not most:
        names, reason = ["none"], "the evidence names none" if group.covered else "no backend has a valid time"
    layers = f"{most} of {group.covered}" + (f", {len(group.missing)} without a time" if group.missing else "")
    return NetworkAnswer(group.called, group.threads, joined(names), "", reason, layers, group.is_whole)


def headline(groups: Sequence[ReportGroup]) -> str:
    """One sentence: which backend leads, on how many of the networks of a run."""
    networks = [group for group in groups if group.is_network and group.leaders]
    incomplete = [group for group in groups if group.is_network and not group.is_whole]
    if groups and not any(group.is_network for group in groups):
        return _of_shapes(groups)
    if not incomplete:
        return _of_whole(networks)
    parts = [f"{group.called} ({group.covered} of {len(group.layers)} layers)" for group in incomplete]
    return f"{_of_whole(networks)} Incomplete, and so without a winner: {joined(dict.fromkeys(parts))}."


def _of_shapes(groups: Sequence[ReportGroup]) -> str:
    """Of shapes that nobody runs in a row, whose sum means nothing: who leads most often, of the first few groups."""
    several = len({group.threads for group in groups}) > 1
    said = [
        f"on {one.group}{f' with {threads_of(one.threads)}' if several else ''} {_leading(one)} ({one.layers})"
        for one in map(_most_often, groups[:_NAMED])
    ]
    more = f"; {len(groups) - _NAMED} more below" if len(groups) > _NAMED else ""
    return (
        f"No network was measured. Fastest or the same within {100 * MARGIN:g} % most often: {'; '.join(said)}{more}."
    )


def _leading(one: NetworkAnswer) -> str:
    return f"nobody, as {one.lead}" if one.lead else one.fastest


def _of_whole(networks: Sequence[ReportGroup]) -> str:
    if not networks:
        return "No network has a backend with comparable times for all layers, so none is called fastest."
    if len(networks) == 1:
        return _of_one(networks[0])
    settled = [group for group in networks if not group.undecided]
    winners = Counter(group.leaders[0].backend for group in settled if len(group.leaders) == 1)
    ranked = sorted(winners.items(), key=lambda item: (-item[1], item[0]))
    parts = [f"{name} is fastest on {count}" for name, count in ranked]
    tied, open_ = len(settled) - winners.total(), len(networks) - len(settled)
    parts += [f"{tied} {'ends' if tied == 1 else 'end'} in a tie"] * bool(tied)
    parts += [f"on {open_} the evidence does not tell"] * bool(open_)
    return f"Of {_cases(networks)}, {joined(parts)}."


def _of_one(group: ReportGroup) -> str:
    names = joined(one.backend for one in group.leaders)
    if group.undecided:
        return f"On {group.called}, the evidence does not tell who is fastest; {names} is ahead: {_certainty(group)}."
    if group.alone:
        return f"On {group.called}, only {names} has times."
    return f"On {group.called}, {names} {'are' if len(group.leaders) > 1 else 'is'} fastest: {_certainty(group)}."


def _cases(networks: Sequence[ReportGroup]) -> str:
    budgets = {group.threads for group in networks}
    names = {group.name for group in networks}
    if len(budgets) == 1:
        return f"{len(names)} networks"
    return f"{len(networks)} cases ({len(names)} network{'s' * (len(names) > 1)}, {len(budgets)} thread budgets)"


def verdict_counts(comparisons: pd.DataFrame, *, some_only: bool = False) -> str:
    """How many of the compared pairs could be told apart; ``some_only``: not every two of a problem."""
    counts = comparisons["verdict"].value_counts()
    decided = int(counts.get("faster", 0) + counts.get("slower", 0))
    same, undecided = int(counts.get("same", 0)), int(counts.get("undecided", 0))
    chosen = (
        f"where more than {MOST_AGAINST_ALL} backends met, the {MOST_AGAINST_ALL} fastest and the baseline were "
        "compared with all, and a rank counts those of them who are faster"
    )
    counted = (
        f"{len(comparisons):,} pairs compared: {decided:,} decided, {same:,} the same within {100 * MARGIN:g} %, "
        f"{undecided:,} undecided"
    )
    return f"{counted}; {chosen}" if some_only else counted
