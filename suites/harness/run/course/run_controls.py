"""Adds the controls to the passes of the finals, as long as they take a small part of the time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from pointwise_bench import Problem
from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.design.controls import CONTROLS, control_problems
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.run.contenders import leaders
from pointwise_bench.suites.harness.run.course.forecast import Forecast
from pointwise_bench.suites.harness.run.course.meeting import Meeting
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.run.plan import TrialTask


class RunControls:
    """The leader of most problems, under the names of :data:`CONTROLS`, on a few problems that it leads."""

    def __init__(self, passes: Passes, forecast: Forecast) -> None:
        self._passes = passes
        self._forecast = forecast
        self._spent_s = 0.0
        self._tasks: list[TrialTask] | None = None  # None before they are chosen

    def added_to(self, tasks: Sequence[TrialTask], met: Iterable[Meeting]) -> list[TrialTask]:
        """The trials of a pass, with the controls where they can be afforded; ``met``: what was measured so far."""
        if self._tasks is None:
            self._tasks = self._chosen(list(met))
        by_key = {task.planned.key: task for task in tasks}
        together = [
            *(by_key | {own.planned.key: own.joined(by_key.get(own.planned.key)) for own in self._tasks}).values()
        ]
        seconds = self._forecast.finals_s(together) - self._forecast.finals_s(tasks)
        if self._spent_s + seconds > POLICY.controls.share * (self._passes.budget.seconds or 0.0):
            return list(tasks)
        self._spent_s += seconds
        return together

    def _chosen(self, met: Sequence[Meeting]) -> list[TrialTask]:
        """The trials of the controls: of the largest thread budget, and of its most frequent leader on the CPU."""
        threads = max((meeting.planned.threads for meeting in met), default=0)
        led: dict[str, dict[Problem, Meeting]] = {}
        for meeting in met:
            if meeting.planned.threads == threads:
                for name in leaders(meeting.parts, self._passes.disagreement(threads)).leaders:
                    if registry.get(name).device == "cpu":
                        led.setdefault(name, {})[meeting.planned.problem] = meeting
        if not led:
            return []
        leader = Counter({name: len(own) for name, own in led.items()}).most_common(1)[0][0]
        own = led[leader]
        problems = control_problems({problem: meeting.first_median_s(leader) for problem, meeting in own.items()})
        self._passes.use_controls(leader, threads)
        names = (leader, *(control.name for control in CONTROLS))
        return [TrialTask(own[problem].planned, names) for problem in problems]
