"""After how many calls a backend that takes long to prepare overtakes the fastest one that prepares in less time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple

from pointwise_bench.report.analysis.network_totals import Ratio
from pointwise_bench.report.analysis.series import values_of

if TYPE_CHECKING:
    import pandas as pd

    from pointwise_bench.report.analysis.groups import ReportGroup
    from pointwise_bench.report.analysis.network_totals import ComparedTotals

State = Literal["first", "after", "never", "open"]

_TURNED = {"faster": "slower", "slower": "faster"}
_LONGEST = 10**15
"""Calls from which on a backend never overtakes: nobody makes so many."""


class Spent(NamedTuple):
    """What a backend takes: seconds until the first result, prepared and called once, and for each further call."""

    ahead: float
    call: float


class JudgedPair(NamedTuple):
    """The rival's time over the backend's own, with its interval, and the verdict on the backend."""

    ratio: Ratio
    verdict: str


Pairs = Callable[[str, str], JudgedPair | None]
"""Of a backend and its rival; None where they were not compared."""


@dataclass(frozen=True)
class BreakEven:
    """When a backend overtakes its ``rival``, the fastest of those that have their first result before it.

    ``first``: nobody has a result sooner, and there is no rival. ``after`` so many ``calls``, the first included, by
    the interval of the ratio from ``low`` to ``high``. ``never``: it is slower, or the same. ``open``: there is not
    enough evidence.
    """

    backend: str
    spent: Spent
    state: State
    rival: str = ""
    calls: float = math.nan
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Payback:
    """One layer or network under one thread budget.

    ``break_evens`` are in the order of the times of a call. ``ladder`` says who has spent least from which number of
    calls on, as far as pairs were judged.
    """

    name: str
    problem: str
    threads: int
    is_network: bool
    break_evens: tuple[BreakEven, ...]
    ladder: tuple[tuple[int, str], ...]


def of_networks(groups: Iterable[ReportGroup], timings: pd.DataFrame) -> list[Payback]:
    """Of every network of which no layer is missing.

    Each layer is prepared as often as it occurs, since each has weights of its own.
    """
    ahead = _ahead_of_groups(timings)
    found = []
    for group in groups:
        if group.is_network and group.is_whole and group.compared is not None:
            spent = {
                one.backend: Spent(ahead[group.name, group.threads, one.backend], one.total.seconds)
                for one in group.standings
                if one.total is not None and one.sign is not None
            }
            pairs = _pairs_of_totals(group.compared)
            found += _payback(group.name, "", group.threads, spent, pairs, is_network=True)
    return found


def of_layers(timings: pd.DataFrame, comparisons: pd.DataFrame) -> list[Payback]:
    """Of every problem on which two backends were compared, each once, by the name of its first place."""
    names: dict[tuple[str, int], str] = {}
    spent: defaultdict[tuple[str, int], dict[str, Spent]] = defaultdict(dict)
    compared = timings[timings["rank"].notna()]
    columns = ("problem", "threads", "name", "backend", "prepare_s", "first_call_s", "median_s")
    for problem, threads, name, backend, prepare, first, median in zip(
        *(values_of(compared[one]) for one in columns), strict=True
    ):
        key = (problem, int(threads))
        names.setdefault(key, name)
        spent[key][backend] = Spent(prepare + first, median)
    known = _pairs_of_layers(comparisons, {key: _rivals(each) for key, each in spent.items()})
    found = []
    for key, each in spent.items():
        found += _payback(names[key], *key, each, partial(_known_pair, known.get(key, {})), is_network=False)
    return found


def _known_pair(known: Mapping[tuple[str, str], JudgedPair], own: str, rival: str) -> JudgedPair | None:
    return known.get((own, rival))


def _payback(
    name: str, problem: str, threads: int, spent: Mapping[str, Spent], pairs: Pairs, *, is_network: bool
) -> list[Payback]:
    """None where fewer than two backends say what they take."""
    known = {backend: each for backend, each in spent.items() if not math.isnan(each.ahead)}
    if len(known) < 2:
        return []
    rivals = _rivals(known)
    found = [_break_even(backend, each, rivals.get(backend), known, pairs) for backend, each in known.items()]
    found.sort(key=lambda one: (one.spent.call, one.backend))
    return [Payback(name, problem, threads, is_network, tuple(found), tuple(_ladder(found)))]


def _rivals(spent: Mapping[str, Spent]) -> dict[str, str]:
    """Of each backend the fastest of those that have their first result before it; nothing for the first of all."""
    found: dict[str, str] = {}
    fastest = ""
    ordered = sorted((each.ahead, name) for name, each in spent.items() if not math.isnan(each.ahead))
    waiting: list[str] = []
    for place, (ahead, name) in enumerate(ordered):
        if place and ahead > ordered[place - 1][0]:
            for one in waiting:
                if not fastest or (spent[one].call, one) < (spent[fastest].call, fastest):
                    fastest = one
            waiting = []
        if fastest:
            found[name] = fastest
        waiting.append(name)
    return found


def _break_even(backend: str, own: Spent, rival: str | None, spent: Mapping[str, Spent], pairs: Pairs) -> BreakEven:
    if rival is None:
        return BreakEven(backend, own, "first", calls=1, low=1, high=1)
    pair = pairs(backend, rival)
    if pair is None or pair.verdict == "undecided":
        return BreakEven(backend, own, "open", rival)
    if pair.verdict != "faster":
        return BreakEven(backend, own, "never", rival)
    extra = own.ahead - spent[rival].ahead
    calls, most, fewest = (_calls(extra, own.call * (ratio - 1)) for ratio in pair.ratio)
    return BreakEven(backend, own, "after" if calls < _LONGEST else "never", rival, calls, fewest, most)


def _calls(extra: float, gain: float) -> float:
    """The fewest, the first included, after which ``extra`` seconds are made up for by ``gain`` a further call."""
    # A last digit that was rounded is no further call.
    return 1 + math.ceil(extra / gain * (1 - 1e-9)) if gain > 0 else math.inf


def _ladder(found: Sequence[BreakEven]) -> Iterable[tuple[int, str]]:
    """Whoever overtakes its rival, the fastest of all that were ready before it, has overtaken all of those."""
    at = min((one for one in found if one.state == "first"), key=lambda one: (one.spent.call, one.backend))
    yield 1, at.backend
    for one in sorted((one for one in found if one.state == "after"), key=lambda one: (one.calls, one.spent.call)):
        if one.spent.call < at.spent.call:
            at = one
            yield int(one.calls), one.backend


def _ahead_of_groups(timings: pd.DataFrame) -> Mapping[tuple[str, int, str], float]:
    found: defaultdict[tuple[str, int, str], float] = defaultdict(float)
    columns = ("group", "threads", "backend", "prepare_s", "first_call_s", "count")
    for group, threads, backend, prepare, first, count in zip(
        *(values_of(timings[one]) for one in columns), strict=True
    ):
        found[group, int(threads), backend] += count * (prepare + first)
    return found


def _pairs_of_totals(compared: ComparedTotals) -> Pairs:
    at = {name: number for number, name in enumerate(compared.backends)}
    ratios = compared.ratios

    def pair(own: str, rival: str) -> JudgedPair:
        turned = at[own] > at[rival]
        first, second = sorted((at[own], at[rival]))
        (place,) = ((ratios.first == first) & (ratios.second == second)).nonzero()[0]
        return _judged(
            ratios.middle[place], ratios.low[place], ratios.high[place], ratios.verdict[place], turned=turned
        )

    return pair


def _judged(middle: float, low: float, high: float, verdict: str, *, turned: bool) -> JudgedPair:
    """From logarithms of the second one's time over the first one's, the verdict being on the first."""
    if turned:
        middle, low, high = -middle, -high, -low
    ratio = Ratio(*(math.exp(one) for one in (middle, low, high)))
    return JudgedPair(ratio, _TURNED.get(verdict, verdict) if turned else verdict)


def _pairs_of_layers(
    comparisons: pd.DataFrame, rivals: Mapping[tuple[str, int], Mapping[str, str]]
) -> Mapping[tuple[str, int], Mapping[tuple[str, str], JudgedPair]]:
    """Of the backends and their rivals only: a run has many times as many pairs."""
    found: defaultdict[tuple[str, int], dict[tuple[str, str], JudgedPair]] = defaultdict(dict)
    columns = ("problem", "threads", "backend_a", "backend_b", "ratio", "low", "high", "verdict")
    nobody: Mapping[str, str] = {}
    for problem, threads, a, b, ratio, low, high, verdict in zip(
        *(values_of(comparisons[one]) for one in columns), strict=True
    ):
        wanted = rivals.get((problem, threads), nobody)
        if wanted.get(a) == b:
            found[problem, threads][a, b] = JudgedPair(Ratio(ratio, low, high), verdict)
        elif wanted.get(b) == a:
            turned = Ratio(1 / ratio, 1 / high if high else math.inf, 1 / low if low else math.inf)
            found[problem, threads][b, a] = JudgedPair(turned, _TURNED.get(verdict, verdict))
    return found
