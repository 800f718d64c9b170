"""Who measures when: interleaved rounds in a balanced random order, fixed before the timing starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, inf
from random import Random
from statistics import median

from pointwise_bench.suites.harness.design.policy import POLICY


@dataclass(frozen=True)
class Share:
    """One backend's part of a pass's rounds: it takes part in the first ``rounds``, ``calls`` calls in each.

    ``most`` bounds the rounds of every pass. It and ``calls`` follow from the first pass's speeds and are kept, so that
    what was averaged into a sample, and which rounds a slow backend has, is the same in all passes.
    """

    rounds: int
    calls: int
    most: int


def shares(
    seconds_per_call: Mapping[str, float], rounds: int, earlier: Mapping[str, Share], far_rounds: int | None = None
) -> dict[str, Share]:
    """Everybody's share of a pass with ``rounds`` rounds; ``earlier`` are the shares of a pass before.

    Where ``far_rounds`` are given, whoever is far from the fastest takes part in so many only. Who joins later has as
    many calls in a turn as somebody of like speed who was there.
    """
    new = {name: seconds for name, seconds in seconds_per_call.items() if name not in earlier}
    there = [(seconds, earlier[name].calls) for name, seconds in seconds_per_call.items() if name in earlier]
    first = {
        name: _share(seconds, _calls_of_like(seconds, there) or calls)
        for name, (seconds, calls) in _with_calls(new).items()
    } | dict(earlier)
    far = set() if far_rounds is None else far_from_fastest(seconds_per_call)
    own = {name: min(rounds, far_rounds or rounds) if name in far else rounds for name in seconds_per_call}
    return {name: replace(first[name], rounds=min(own[name], first[name].most)) for name in seconds_per_call}


def far_from_fastest(seconds_per_call: Mapping[str, float]) -> set[str]:
    """Who is so much slower than the fastest that a few rounds show it."""
    limit = POLICY.screening.far * min(seconds_per_call.values(), default=0.0)
    return {name for name, seconds in seconds_per_call.items() if seconds > limit}


def doubted_warm_ups(seconds_per_call: Mapping[str, float], known_s: Mapping[str, float], asked: int) -> list[str]:
    """Whose warm-ups, so many of each, took many times what is known of the backend by what other problems took.

    Or longer than that, and so much that it is far from the fastest, where as a rule it is not: that is doubted a few
    times only, as it is what a tiny layer does as well.
    """
    rule, often = POLICY.rounds, asked < POLICY.rounds.far_warm_ups
    oddly_far = far_from_fastest(seconds_per_call) - far_from_fastest(known_s) if often else set()

    def is_doubted(name: str, seconds: float) -> bool:
        known = known_s.get(name, inf)
        return seconds > known and (name in oddly_far or seconds > max(rule.doubted_s, rule.doubted * known))

    return [name for name, seconds in seconds_per_call.items() if is_doubted(name, seconds)]


def _share(seconds_per_call: float, calls: int) -> Share:
    rule = POLICY.rounds
    most = max(rule.fewest, int(rule.slow_s / turn_s(seconds_per_call)))
    return Share(most, calls, most)


def _with_calls(seconds_per_call: Mapping[str, float]) -> dict[str, tuple[float, int]]:
    """Everybody's speed and calls in a turn: as many as take ``turn_s``, the same for backends of like speed.

    A process that was just woken gets faster for some milliseconds, so a mean over two calls is below one over a
    single call: the same layer under two names differed by 4 % where chance had given them one call and two. Alike
    are those between whom no step in speed is larger than ``alike``, within a factor of ``span``.
    """
    rule = POLICY.rounds
    found: dict[str, tuple[float, int]] = {}
    group: list[str] = []
    for name in sorted(seconds_per_call, key=seconds_per_call.__getitem__):
        seconds = seconds_per_call[name]
        if group and seconds > min(rule.alike * seconds_per_call[group[-1]], rule.span * seconds_per_call[group[0]]):
            group = []
        group.append(name)
        typical_s = median(seconds_per_call[each] for each in group)
        calls = max(1, ceil(rule.turn_s / max(typical_s, 1e-7)))
        found |= {each: (seconds_per_call[each], calls) for each in group}
    return found


def _calls_of_like(seconds_per_call: float, there: Sequence[tuple[float, int]]) -> int | None:
    """The calls in a turn of whoever is closest in speed, if that is alike; ``there``: speeds with calls.

    A control, which joins in the finals, had five calls where the backend behind it has four, and was 3.5 % faster.
    """
    apart = [(max(seconds, seconds_per_call) / min(seconds, seconds_per_call), calls) for seconds, calls in there]
    times, calls = min(apart, default=(inf, 0))
    return calls if times <= POLICY.rounds.alike else None


def turn_s(seconds_per_call: float) -> float:
    """Wall seconds of one turn: a warm-up of one call at least, then the timed ones."""
    rule = POLICY.rounds
    return max(rule.turn_s, seconds_per_call) + max(rule.warm_s, seconds_per_call) + rule.turn_overhead_s


def affordable_rounds(seconds_per_call: Mapping[str, float], seconds: float) -> int:
    """The most rounds of all these backends that fit into ``seconds``, within sensible limits."""
    rule = POLICY.rounds
    turns = [turn_s(each) for each in seconds_per_call.values()]
    slow = [turn for turn in turns if turn * rule.fewest >= rule.slow_s]
    one_round = sum(turns) - sum(slow)
    if not one_round:
        return rule.fewest
    return min(rule.most, max(rule.telling, int((seconds - rule.fewest * sum(slow)) / one_round)))


def orders(names: list[str], rounds: int, rng: Random) -> list[list[str]]:
    """The order of turns in each round.

    Rows of a Williams design (E. J. Williams, 1949): over one block every backend stands equally often in every
    place and equally often behind every other, so that neither drift nor what a neighbour leaves in the caches
    favours anyone. Labels and rows are shuffled anew for every block, so that no periodic disturbance can follow the
    design. With two backends this is AB, BA: ABBA.
    """
    if not names:
        return []
    result: list[list[str]] = []
    while len(result) < rounds:
        labels = rng.sample(names, len(names))
        block = [[labels[place] for place in row] for row in _williams_rows(len(names))]
        result += rng.sample(block, len(block))
    return result[:rounds]


def _williams_rows(size: int) -> list[list[int]]:
    """Rows 0, 1, size-1, 2, size-2, ... and their shifts; an odd size needs the mirrored rows for balance too."""
    first = [0] if size else []
    low, high = 1, size - 1
    while low <= high:
        first.append(low)
        if low != high:
            first.append(high)
        low, high = low + 1, high - 1
    rows = [[(place + shift) % size for place in first] for shift in range(size)]
    return rows if size % 2 == 0 else rows + [row[::-1] for row in rows]
