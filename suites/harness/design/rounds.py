"""Who measures when: interleaved rounds in a balanced random order, fixed before the timing starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from random import Random
from statistics import median

TURN_S = 0.004  # of timed calls in one turn: shorter than the spells in which a machine is fast or slow
WARM_S = 0.001  # of untimed calls before: refills the caches that the previous backend's turn has emptied
PASSES = 3  # starts of every worker: what a process keeps for life differs from one start to the next
ROUNDS = 80  # of one pass: about as long as a start and the gate take
FEWEST_ROUNDS, MOST_ROUNDS = 5, 100  # of one pass; three times five tell any two of forty backends apart, if all agree
# Of one pass, but for the slow ones, however short the time: three times eight tell any two of twenty backends apart,
# a few rounds to the contrary included. Three times four told nobody among eighteen and saved a tenth of the time:
# the rest is what a contest costs before its first round.
TELLING_ROUNDS = 8
SLOW_S = 0.8  # a backend whose rounds of one pass would take longer than this takes part in the first few only
ALIKE, SPAN = 1.5, 4.0  # between backends that get the same number of calls in a turn
TURN_OVERHEAD_S = 0.001  # waking, asking and stopping a worker


@dataclass(frozen=True)
class Share:
    """One backend's part of a pass's rounds: it takes part in the first ``rounds``, ``calls`` calls in each.

    ``most`` bounds the rounds of every pass. It and ``calls`` follow from the first pass's speeds and are kept, so that
    what was averaged into a sample, and which rounds a slow backend has, is the same in all passes.
    """

    rounds: int
    calls: int
    most: int


def shares(seconds_per_call: Mapping[str, float], rounds: int, earlier: Mapping[str, Share]) -> dict[str, Share]:
    """Everybody's share of a pass with ``rounds`` rounds; ``earlier`` are the shares of a pass before."""
    new = {name: seconds for name, seconds in seconds_per_call.items() if name not in earlier}
    first = {name: _share(seconds, calls) for name, (seconds, calls) in _with_calls(new).items()} | dict(earlier)
    return {name: replace(first[name], rounds=min(rounds, first[name].most)) for name in seconds_per_call}


def _share(seconds_per_call: float, calls: int) -> Share:
    most = max(FEWEST_ROUNDS, int(SLOW_S / _turn_s(seconds_per_call)))
    return Share(most, calls, most)


def _with_calls(seconds_per_call: Mapping[str, float]) -> dict[str, tuple[float, int]]:
    """Everybody's speed and calls in a turn: as many as take :data:`TURN_S`, the same for backends of like speed.

    A process that was just woken gets faster for some milliseconds, so a mean over two calls is below one over a
    single call: the same layer under two names differed by 4 % where chance had given them one call and two. Alike
    are those between whom no step in speed is larger than :data:`ALIKE`, within a factor of :data:`SPAN`.
    """
    found: dict[str, tuple[float, int]] = {}
    group: list[str] = []
    for name in sorted(seconds_per_call, key=seconds_per_call.__getitem__):
        seconds = seconds_per_call[name]
        if group and seconds > min(ALIKE * seconds_per_call[group[-1]], SPAN * seconds_per_call[group[0]]):
            group = []
        group.append(name)
        typical_s = median(seconds_per_call[each] for each in group)
        calls = max(1, ceil(TURN_S / max(typical_s, 1e-7)))
        found |= {each: (seconds_per_call[each], calls) for each in group}
    return found


def _turn_s(seconds_per_call: float) -> float:
    """Wall seconds of one turn: a warm-up of one call at least, then the timed ones."""
    return max(TURN_S, seconds_per_call) + max(WARM_S, seconds_per_call) + TURN_OVERHEAD_S


def affordable_rounds(seconds_per_call: Mapping[str, float], seconds: float) -> int:
    """The most rounds of all these backends that fit into ``seconds``, within sensible limits."""
    turns = [_turn_s(each) for each in seconds_per_call.values()]
    slow = [turn for turn in turns if turn * FEWEST_ROUNDS >= SLOW_S]
    one_round = sum(turns) - sum(slow)
    if not one_round:
        return FEWEST_ROUNDS
    return min(MOST_ROUNDS, max(TELLING_ROUNDS, int((seconds - FEWEST_ROUNDS * sum(slow)) / one_round)))


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
