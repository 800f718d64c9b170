"""The course of a run without a budget, or with ``--full``: everybody in every pass, then again what is undecided."""

from __future__ import annotations

import time

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.run.plan import PlannedTrial, TrialTask
from pointwise_bench.suites.harness.run.progress import Progress


class FullCourse:
    """Every planned pass over the whole plan, further ones over undecided trials, and the cells of what was begun."""

    def __init__(self, passes: Passes, *, in_process: bool = False) -> None:
        rule = POLICY.rounds
        self.passes = passes
        self._planned_passes = 1 if in_process else rule.passes
        unlimited = passes.budget.seconds is None
        self._most_passes = 1 if in_process else rule.most_passes if unlimited else rule.most_passes_in_budget
        self._starting_s = 0.0  # of the last pass: seconds that starting and its first trial took beside the timing
        self._begun: list[Progress] = []

    def run(self) -> None:
        """Measure what the run folder lacks."""
        self.passes.complete_written_trials()
        for number in range(self._planned_passes):
            self._pass(number, self._due(number))
        for number in range(self._planned_passes, self._most_passes):
            if not (trials := self._undecided_trials(number)):
                break
            self._pass(number, trials)
        for planned in self.passes.plan:
            self.passes.write_cells(planned)
        self._measure_again()

    def _measure_again(self) -> None:
        """Measure what a resumed run lacks in finished trials: cells that were lost with a damaged file."""
        for planned in self.passes.plan:
            if self.passes.pending(planned) and (done := self.passes.checkpoint.passes(planned.key)):
                self._pass(1 + max(done), [planned])
                self.passes.write_cells(planned)

    def _due(self, number: int) -> list[PlannedTrial]:
        """Unfinished trials that lack pass ``number``; those that the first pass did not reach are left out."""
        checkpoint = self.passes.checkpoint
        return [
            planned
            for planned in self.passes.plan
            if self.passes.pending(planned)
            and number not in checkpoint.passes(planned.key)
            and (number == 0 or checkpoint.passes(planned.key))
        ]

    def _undecided_trials(self, number: int) -> list[PlannedTrial]:
        """Undecided trials for one more pass, the least measured first, as many as fit into the time that is left."""
        if not self.passes.budget.allows_settling(self._starting_s):
            return []
        # Decided trials are written already, unless the run was killed before.
        trials = [planned for planned in self._due(number) if self.passes.undecided(planned)]
        trials.sort(key=lambda planned: (len(self.passes.checkpoint.passes(planned.key)), planned.cost_s))
        affordable, seconds = [], self.passes.budget.left_s() - self._starting_s
        for planned in trials:
            seconds -= planned.cost_s
            if seconds < 0:
                break
            affordable.append(planned)
        return affordable

    def _pass(self, number: int, trials: list[PlannedTrial]) -> None:
        """One start of every worker, and one trial of every problem."""
        passes, budget = self.passes, self.passes.budget
        if not trials or (number and budget.left_s() < self._starting_s):
            return
        if number:
            passes.restart()
        deadline = budget.begin_pass(max(1, self._planned_passes - number))
        progress = Progress.of_pass(
            number, self._planned_passes, len(trials), budget, passes.announce, tuple(self._begun)
        )
        self._begun.append(progress)
        with passes.recorded(number, progress):
            began = time.monotonic()
            passes.start((name, planned.threads) for planned in trials for name in passes.pending(planned))
            self._starting_s = time.monotonic() - began
            if number:  # in another order, so that what earlier problems leave in a process differs between passes
                trials = passes.rng.sample(trials, len(trials))
            for planned in trials:
                if deadline.passed():
                    break
                is_first, timed_s = not progress.done, passes.timed_s

                def rounds(speeds: dict[str, float]) -> int:
                    return budget.rounds(speeds, deadline.left_s() / progress.left - progress.overhead_s())

                passes.trial(TrialTask(planned, tuple(passes.pending(planned))), number, progress, rounds)
                if is_first:
                    self._starting_s += planned.cost_s - (passes.timed_s - timed_s)
                over = number + 1 >= self._most_passes
                if over or (number + 1 >= self._planned_passes and not passes.undecided(planned)):
                    passes.write_cells(planned)
