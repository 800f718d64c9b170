"""Adds the controls to the passes of the finals, as long as they take a small part of the time."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence

from pointwise_bench import Problem
from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.design.controls import CONTROLS, control_problems
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.checkpoint import TrialKey
from pointwise_bench.suites.harness.run.contenders import Parts, leaders
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.run.plan import PlannedTrial, TrialTask


class RunControls:
    """The leader of most problems, under the names of :data:`CONTROLS`, on a few problems that it leads."""

    def __init__(self, passes: Passes) -> None:
        self._passes = passes
        self._spent_s = 0.0
        self._tasks: list[TrialTask] | None = None  # None before they are chosen

    def added_to(
        self, tasks: Sequence[TrialTask], met: Mapping[TrialKey, tuple[PlannedTrial, Parts]]
    ) -> list[TrialTask]:
        """The trials of a pass, with the controls where they can be afforded; ``met``: what was measured so far."""
        if self._tasks is None:
            self._tasks = self._chosen(met)
        budget_s = self._passes.budget.seconds or 0.0
        by_key = {task.planned.key: task for task in tasks}
        together = by_key | {own.planned.key: own.joined(by_key.get(own.planned.key)) for own in self._tasks}
        seconds = self._passes_s(list(together.values())) - self._passes_s(tasks)
        if not self._tasks or self._spent_s + seconds > POLICY.controls.share * budget_s:
            return list(tasks)
        self._spent_s += seconds
        return list(together.values())

    def _passes_s(self, tasks: Sequence[TrialTask]) -> float:
        costs = self._passes.costs
        rounds = POLICY.screening.final_rounds
        return costs.starts_s((key for task in tasks for key in task.keys), anew=True) + sum(
            costs.trial_s(task.planned.problem, task.planned.threads, dict.fromkeys(task.backends, rounds))
            for task in tasks
        )

    def _chosen(self, met: Mapping[TrialKey, tuple[PlannedTrial, Parts]]) -> list[TrialTask]:
        """The trials of the controls: of the thread budget that comes first, and of its most frequent leader."""
        threads = max((planned.threads for planned, _ in met.values()), default=0)
        led: dict[str, dict[Problem, tuple[PlannedTrial, float]]] = {}
        for planned, parts in met.values():
            if planned.threads != threads:
                continue
            for name in leaders(parts, self._passes.disagreement(threads)).leaders:
                if registry.get(name).device == "cpu":
                    median_s = statistics.median(parts[name][min(parts[name])].samples_s)
                    led.setdefault(name, {})[planned.problem] = (planned, median_s)
        if not led:
            return []
        leader = Counter({name: len(own) for name, own in led.items()}).most_common(1)[0][0]
        problems = control_problems({problem: seconds for problem, (_, seconds) in led[leader].items()})
        self._passes.use_controls(leader, threads)
        names = (leader, *(control.name for control in CONTROLS))
        return [TrialTask(led[leader][problem][0], names) for problem in problems]
