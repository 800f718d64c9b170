"""How likely it is that a layer which is wrong once in many calls is found, by the calls that are looked at."""

from __future__ import annotations

from pointwise_bench.suites.harness.design.policy import POLICY


def found(one_in: float, calls: float) -> float:
    """The chance that one of so many calls is wrong, where each is once in ``one_in``."""
    return float(1 - (1 - 1 / one_in) ** calls)


def looked_at(seconds_per_call: float, rounds: int = POLICY.rounds.usual, starts: int = POLICY.rounds.passes) -> float:
    """Calls of a cell that are looked at: those drawn and the last ones, and those on one input after the turns.

    ``seconds_per_call``: with comparing its result.
    """
    gate, turn_s = POLICY.gate, max(POLICY.rounds.turn_s, seconds_per_call)
    audited = min(gate.most_audited, gate.audited_share * rounds * turn_s / seconds_per_call)
    return starts * (rounds / gate.shown_in + 1 + audited)


def searched(seconds_per_call: float) -> float:
    """Calls that are looked at where a backend is suspected, in one start."""
    return min(POLICY.gate.thorough_calls, POLICY.gate.thorough_s / seconds_per_call)
