"""The controls of a run: its leader once more under other names, as it is and slower by a known share of its time.

What the verdicts say of them is known beforehand, so they show what the verdicts of this very run are worth: how often
one and the same backend is told different, and how often a difference is found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.spread import spread


@dataclass(frozen=True)
class Control:
    """Stands for the leader, made slower by ``percent`` of its time."""

    name: str
    percent: float


CONTROLS: Final = (
    Control("control-same", 0.0),
    Control("control-slower-by-3", 3.0),
    Control("control-slower-by-5", 5.0),
)


def control_problems(medians: Mapping[Problem, float]) -> list[Problem]:
    """A few of the problems, spread; ``medians`` are the leader's seconds per call.

    A share of a very short call is a wait of no length that could be kept, and a long one costs what others need.
    """
    rule = POLICY.controls
    fit: Sequence[Problem] = [
        problem
        for problem, seconds in medians.items()
        if rule.shortest_s <= seconds <= rule.longest_s and problem.direction == "forward"
    ]
    return [fit[place] for place in spread(fit, rule.problems)]
