"""A worker's clock held against the harness's: what of a turn it leaves unexplained, and when that is a doubt.

A plugin can change the clock in its process, and what is read from it between timed calls; the harness's it cannot. So
neither what a turn is said to have taken is believed, nor what is said to have passed beside it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.timing.clock import Turn

RULE: Final = POLICY.acceptance
WARM_S: Final = POLICY.rounds.warm_s
WRONG_CLOCK: Final = "its clock is wrong"
"""How the reason begins that convicts one."""


@dataclass(frozen=True)
class TurnOnBothClocks:
    """Seconds of a turn by the harness's clock, and of its timed calls and all beside them by the worker's."""

    outside_s: float
    wall_s: float
    untimed_s: float

    @classmethod
    def of(cls, turn: Turn, asked_s: float) -> TurnOnBothClocks:
        """Of a turn that took the harness ``asked_s`` seconds, with what was apart from it: see :class:`Turn`.

        Until a worker's threads are stopped takes milliseconds on a busy machine, which are none of its clock's.
        """
        return cls(asked_s - turn.apart_s, turn.wall_s, turn.untimed_s)

    def unexplained_s(self, beside_s: float) -> float:
        """What nobody explains, where ``beside_s`` at most can have passed beside the timed calls."""
        return self.outside_s - self.wall_s - min(self.untimed_s, beside_s)


def beside_s(problem: Problem, seconds_per_call: float, outside_s: float = 0.0) -> float:
    """What can pass beside the timed calls of a turn: the calls before them, filling the inputs, and looks."""
    bytes_filled = problem.min_bytes + problem.batch * problem.in_channels * problem.height * problem.width * 8
    return WARM_S + seconds_per_call + bytes_filled / RULE.filled_per_s + RULE.between_calls * outside_s


def is_doubtful(turns: Sequence[TurnOnBothClocks], most_beside_s: float) -> bool:
    """Whether the usual turns of a backend leave a doubt, at their median or at the best of them."""
    outside_s = statistics.median(turn.outside_s for turn in turns)
    missing_s = statistics.median(turn.outside_s - turn.wall_s - turn.untimed_s for turn in turns)
    if missing_s > RULE.least_unexplained_s and missing_s > RULE.most_unexplained * outside_s:
        return True
    # What is said to have passed beside the timed calls waits for no answer, and is as short in the best of many turns.
    beside_least_s = min(turn.untimed_s for turn in turns) - most_beside_s
    if beside_least_s > RULE.moved_s + RULE.doubted * outside_s:
        return True
    # The quickest of many answers is late by no machine's load; of a few it may be, and long turns then tell.
    least_s = min(turn.unexplained_s(most_beside_s) for turn in turns)
    return least_s > RULE.latest_s + RULE.doubted * min(turn.outside_s for turn in turns)


def _is_doubtful_alone(turn: TurnOnBothClocks, problem: Problem, seconds_per_call: float) -> bool:
    return is_doubtful([turn], beside_s(problem, seconds_per_call, turn.outside_s))


def is_explained(turn: TurnOnBothClocks, most_beside_s: float) -> bool:
    """Whether a long turn shows that the clock is right."""
    return turn.unexplained_s(most_beside_s) <= RULE.latest_s + RULE.closely * turn.outside_s


def tells(turn: TurnOnBothClocks, most_beside_s: float) -> bool:
    """Whether a turn that is not explained is long enough to convict: the less is missing, the longer it must be."""
    grossly = turn.unexplained_s(most_beside_s) > RULE.most_unexplained * turn.outside_s
    return turn.outside_s >= (RULE.telling_turn_s if grossly else RULE.closely_telling_turn_s)


def check_clock(
    problem: Problem,
    seconds_per_call: float,
    calls: int,
    turns: Sequence[TurnOnBothClocks],
    take: Callable[[int], TurnOnBothClocks],
    *,
    glance: bool = True,
) -> None:
    """Look into a doubt that usual turns of so many ``calls`` leave, by turns of more calls, which ``take`` takes.

    Where they leave none and are short, a longer one is asked whether it does, if ``glance``. They grow until they are
    long by the harness's clock: of those a delay, however busy the machine, is a small share, and what a false clock
    hides stays as large. ``Ended`` where the clock is wrong, or nobody can tell.

    Of an empty batch nothing is asked: there is nothing to compute that a clock could hide, and making the inputs of
    the twenty million calls of 50 ns that a long turn has takes longer than any worker may be late.
    """
    if problem.pixels == 0:
        return
    if not is_doubtful(turns, beside_s(problem, seconds_per_call)):
        if not glance:
            return
        times = ceil(RULE.glance_s / statistics.median(turn.outside_s for turn in turns))
        if times <= 1 or not _is_doubtful_alone(take(times * calls), problem, seconds_per_call):
            return
    calls, doubts = RULE.long_turn * calls, 0
    for _ in range(RULE.most_long_turns):
        turn = take(calls)
        most_beside_s = beside_s(problem, seconds_per_call, turn.outside_s)
        if is_explained(turn, most_beside_s):
            return
        doubts += tells(turn, most_beside_s)
        if doubts == RULE.telling_turns:
            raise Ended(
                "wrong",
                f"{WRONG_CLOCK}: a turn of up to {calls} calls took {turn.wall_s:.3g} s by it, {turn.outside_s:.3g} s "
                f"by the harness's; a changed clock, or threads of its own that keep the worker from answering",
            )
        if turn.outside_s < RULE.closely_telling_turn_s:
            calls *= max(2, min(RULE.long_turn, ceil(RULE.closely_telling_turn_s / turn.outside_s)))
    raise Ended("failed", "the machine was too busy to tell whether its clock is right")
