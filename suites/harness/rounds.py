"""Who measures when: interleaved rounds in a balanced random order, fixed before the timing starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from random import Random

TURN_S = 0.015  # of timed calls in one turn: long against a scheduler's tick, short against the clock's drift
WARM_S = 0.002  # of untimed calls before: refills the caches that the previous backend's turn has emptied
ROUNDS = 25
FEWEST_ROUNDS, MOST_ROUNDS = 5, 101
SLOW_S = 1.0  # a backend whose rounds would take longer than this takes part in the first few only
TURN_OVERHEAD_S = 0.001  # waking, asking and stopping a worker


@dataclass(frozen=True)
class Share:
    """One backend's part of a problem's rounds: it takes part in the first ``rounds``, ``calls`` calls in each."""

    rounds: int
    calls: int


def shares(seconds_per_call: Mapping[str, float], rounds: int) -> dict[str, Share]:
    """Everybody's share when the problem has ``rounds`` rounds."""
    return {name: _share(seconds, rounds) for name, seconds in seconds_per_call.items()}


def _share(seconds_per_call: float, rounds: int) -> Share:
    calls = max(1, ceil(TURN_S / max(seconds_per_call, 1e-7)))
    affordable = int(SLOW_S / _turn_s(seconds_per_call))
    return Share(rounds=min(rounds, max(FEWEST_ROUNDS, affordable)), calls=calls)


def _turn_s(seconds_per_call: float) -> float:
    """Wall seconds of one turn: a warm-up of one call at least, then the timed ones."""
    return max(TURN_S, seconds_per_call) + max(WARM_S, seconds_per_call) + TURN_OVERHEAD_S


def affordable_rounds(seconds_per_call: Mapping[str, float], seconds: float) -> int:
    """The most rounds of all these backends that fit into ``seconds``, within sensible limits."""
    if not seconds_per_call:
        return FEWEST_ROUNDS
    one_round = sum(_turn_s(each) for each in seconds_per_call.values() if _turn_s(each) * FEWEST_ROUNDS < SLOW_S)
    slow = sum(
        FEWEST_ROUNDS * _turn_s(each) for each in seconds_per_call.values() if _turn_s(each) * FEWEST_ROUNDS >= SLOW_S
    )
    return min(MOST_ROUNDS, max(FEWEST_ROUNDS, int((seconds - slow) / one_round) if one_round else 0))


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
