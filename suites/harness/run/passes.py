"""The passes of a run over the trials of its plan, until every cell is complete or the time budget is used up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from random import Random
from typing import Any

import psutil

from pointwise_bench.backends import registry
from pointwise_bench.common.verdict_rule import PLANNED_STARTS
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.design.time_budget import Deadline, TimeBudget
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.machine.affinity import cores_of
from pointwise_bench.suites.harness.machine.canary import Canary
from pointwise_bench.suites.harness.machine.ceiling_meters import CeilingMeters
from pointwise_bench.suites.harness.machine.ceilings import Ceilings
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.record.pass_samples import PassSamples, unite_passes
from pointwise_bench.suites.harness.record.run_folder import RunFolder, now
from pointwise_bench.suites.harness.run.contenders import (
    NOTHING_KNOWN,
    Disagreement,
    disagreement_of_starts,
    undecided,
)
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.plan import Plan, PlannedTrial
from pointwise_bench.suites.harness.run.progress import Progress
from pointwise_bench.suites.harness.run.trial import Trial
from pointwise_bench.suites.harness.worker.pool import Pool

LIBRARIES_S = 10.0  # patience for asking a worker which libraries it has loaded, and what ran
SHORTEST_START_S = 30.0  # for a worker to start; --timeout may be shorter than importing torch takes


class Passes:
    """Measures what ``plan`` holds and the run folder lacks. Exists only while a run measures."""

    def __init__(
        self,
        plan: Plan,
        options: Options,
        run_folder: RunFolder,
        budget: TimeBudget,
        meters: CeilingMeters,
        canary: Canary,
        announce: Callable[[str], None],
    ) -> None:
        self.run_folder = run_folder
        self.budget = budget
        self.meters = meters
        self.timed_s = 0.0
        self.libraries: dict[str, Any] = {}
        self.ran: dict[str, str] = {}
        self.pool = Pool(
            run_folder.workers,
            in_process=options.in_process,
            start_s=max(SHORTEST_START_S, options.timeout_s),
            starts=run_folder.checkpoint.starts,
            patience_s=budget.patience_s,
        )
        self._plan = plan
        self._options = options
        self._canary = canary
        self._announce = announce
        self._seed: int = run_folder.run["options"]["seed"]
        self._rng = Random(self._seed)  # noqa: S311  # shuffles turns, keeps no secret
        self._ceilings = {each["threads"]: Ceilings(**each) for each in run_folder.run["ceilings"]}
        self._disagreement: dict[int, Disagreement] = {}
        self._starting_s = 0.0  # of the last pass: seconds that starting and its first trial took beside the timing

    @property
    def complete(self) -> bool:
        """Whether every planned cell is there."""
        return not any(self._pending(planned) for planned in self._plan)

    def run(self) -> None:
        """Make the passes over the plan, further ones over undecided trials, and write the cells of what was begun."""
        self._complete_written_trials()
        passes = 1 if self._options.in_process else POLICY.rounds.passes
        for number in range(passes):
            self._pass(number, self._due(number), passes)
        for number in range(passes, self._most_passes()):
            if not (trials := self._undecided_trials(number)):
                break
            self._pass(number, trials, passes)
        for planned in self._plan:
            self._write_cells(planned)
        self._measure_again()
        self._note_undecided()

    def _measure_again(self) -> None:
        """Measure what a resumed run lacks in finished trials: cells that were lost with a damaged file."""
        for planned in self._plan:
            if self._pending(planned) and (passes := self.run_folder.checkpoint.passes(planned.key)):
                self._pass(1 + max(passes), [planned], passes=0)
                self._write_cells(planned)

    def _most_passes(self) -> int:
        if self._options.in_process:
            return 1
        rule = POLICY.rounds
        return rule.most_passes if self._options.time_budget_s is None else rule.most_passes_in_budget

    def _due(self, number: int) -> list[PlannedTrial]:
        """Unfinished trials that lack pass ``number``; those that the first pass did not reach are left out."""
        checkpoint = self.run_folder.checkpoint
        return [
            planned
            for planned in self._plan
            if self._pending(planned)
            and number not in checkpoint.passes(planned.key)
            and (number == 0 or checkpoint.passes(planned.key))
        ]

    def _undecided_trials(self, number: int) -> list[PlannedTrial]:
        """Undecided trials for one more pass, the least measured first, as many as fit into the time that is left."""
        if not self.budget.allows_settling(self._starting_s):
            return []
        # Decided trials are written already, unless the run was killed before.
        trials = [planned for planned in self._due(number) if self._undecided(planned)]
        trials.sort(key=lambda planned: (len(self.run_folder.checkpoint.passes(planned.key)), planned.cost_s))
        affordable, seconds = [], self.budget.left_s() - self._starting_s
        for planned in trials:
            seconds -= planned.cost_s
            if seconds < 0:
                break
            affordable.append(planned)
        return affordable

    def _pass(self, number: int, trials: list[PlannedTrial], passes: int) -> None:
        """One start of every worker, and one trial of every problem."""
        if not trials or (number and self.budget.left_s() < self._starting_s):
            return
        if number:
            self.pool.restart()
            if self.budget.allows_gauging(self.meters.cost_s):
                self.run_folder.run["ceilings"] += self.meters.read("during")
        deadline = self.budget.begin_pass(passes - number if number < passes else 1)
        progress = Progress(number, passes, len(trials), self.budget, self._announce)
        before = _machine_state()
        began = time.monotonic()
        self.pool.start((name, planned.threads) for planned in trials for name in self._pending(planned))
        self._starting_s = time.monotonic() - began
        if number:  # in another order, so that what earlier problems leave in a process differs between passes
            trials = self._rng.sample(trials, len(trials))
        for planned in trials:
            if deadline.passed():
                break
            self._run_trial(planned, number, progress, deadline)
            if number + 1 >= self._most_passes() or (number + 1 >= passes and not self._undecided(planned)):
                self._write_cells(planned)
        self._ask_what_ran()
        self._update_disagreement()
        done = {"number": number, "problems": progress.done}
        self.run_folder.run["passes"].append(done | _machine_state_since(before))
        self.run_folder.write()

    def _run_trial(self, planned: PlannedTrial, number: int, progress: Progress, deadline: Deadline) -> None:
        """Run one trial and keep its result: first the cells of backends that ended, then the parts of the others."""
        began, is_first = time.monotonic(), not progress.done

        def rounds(speeds: dict[str, float]) -> int:
            return self.budget.rounds(speeds, deadline.left_s() / progress.left - progress.overhead_s())

        result = Trial(
            problem=planned.problem,
            threads=planned.threads,
            backends=self._pending(planned),
            pool=self.pool,
            canary=self._canary,
            rounds=rounds,
            rng=self._rng,
            timeout_s=self._options.timeout_s,
            cores=None if self._options.in_process else cores_of(planned.threads, number),
            earlier=self._shares(planned),
            ceilings=self._ceilings.get(planned.threads),
            cache=self._options.cache,
            patience_s=self.budget.patience_s,
            hurried=self._options.time_budget_s is not None,
        ).run()
        earlier = self.run_folder.checkpoint.parts(planned.key)
        # A backend that was timed in an earlier pass and only lacks time now has not failed: this pass goes without it.
        out = [
            self._ended(planned, part, ended)
            for part, ended in result.ended
            if not (isinstance(ended, Hurried) and part.backend in earlier)
        ]
        self.run_folder.cells.append(out)
        self.run_folder.checkpoint.append(planned.key, number, result.parts)
        timed_s = sum(part.timed_s for part in result.parts)
        self.timed_s += timed_s
        planned.cost_s = time.monotonic() - began
        if is_first:
            self._starting_s += planned.cost_s - timed_s
        progress.problem_done(planned.title, result.parts, out)

    def _ask_what_ran(self) -> None:
        """Ask every worker which libraries it has loaded and what ran, so that a silent fall-back is seen."""
        for slot in self.pool.occupied():
            assert slot.client is not None, "an occupied slot has a client"
            name = f"{slot.backend.name}, {slot.threads} threads"
            with suppress(Ended):  # one that cannot answer has its status already
                self.libraries[name] = slot.client.libraries(LIBRARIES_S)
                if (ran := slot.client.ran(LIBRARIES_S)) is not None:
                    self.ran[name] = ran

    def _pending(self, planned: PlannedTrial) -> list[str]:
        return [name for name in planned.backends if (name, *planned.key) not in self.run_folder.cells]

    def _shares(self, planned: PlannedTrial) -> dict[str, Share]:
        """What every backend does in each pass, from the first one that it took part in."""
        by_backend = self.run_folder.checkpoint.parts(planned.key)
        found = {name: next(iter(parts.values())).share for name, parts in by_backend.items()}
        return {name: share for name, share in found.items() if share is not None}

    # --- cells ----------------------------------------------------------------------------------------------

    def _write_cells(self, planned: PlannedTrial) -> None:
        """Write the cells of a trial from its parts; a trial that was not begun stays open."""
        parts: dict[str, dict[int, PassSamples]] = self.run_folder.checkpoint.parts(planned.key)
        self.run_folder.cells.append(
            [
                unite_passes(self._empty_cell(planned, name), parts[name])
                for name in self._pending(planned)
                if name in parts
            ]
        )

    def _complete_written_trials(self) -> None:
        """Write the other cells of trials of which a killed run had written some: a backend is never timed on alone."""
        for planned in self._plan:
            keys = [(name, *planned.key) for name in planned.backends]
            if any(key in self.run_folder.cells and self.run_folder.cells[key].status == "ok" for key in keys):
                self._write_cells(planned)

    def _ended(self, planned: PlannedTrial, part: PassSamples, ended: Ended) -> Cell:
        """The cell of a backend whose part ended early: its status, the reason, and what was measured by then."""
        cell = unite_passes(self._empty_cell(planned, part.backend), {0: part})
        cell.end(ended.status, ended.reason)
        return cell

    def _empty_cell(self, planned: PlannedTrial, backend: str) -> Cell:
        instance = registry.get(backend)
        place, *others = planned.places
        return Cell(
            backend=backend,
            problem=planned.problem.id,
            threads=planned.threads,
            group=place.group,
            name=place.name,
            count=place.count,
            also=[asdict(other) for other in others],
            device=instance.device,
            output=instance.output,
            arithmetic=instance.arithmetic,
            cache=self._options.cache,
            isolation="in-process" if self._options.in_process else "worker",
            started_at=now(),
        )

    def _undecided(self, planned: PlannedTrial) -> int:
        """How many pairs of its backends are undecided."""
        return undecided(self._valid_parts(planned), self._disagreement.get(planned.threads, NOTHING_KNOWN))

    def _valid_parts(self, planned: PlannedTrial) -> dict[str, dict[int, PassSamples]]:
        """The parts of the backends that have not failed and that the report will compare."""
        parts: dict[str, dict[int, PassSamples]] = self.run_folder.checkpoint.parts(planned.key)
        failed = {name for name in parts if (name, *planned.key) in self.run_folder.cells.failed}
        return {
            name: own for name, own in parts.items() if name not in failed and registry.get(name).arithmetic == "own"
        }

    def _update_disagreement(self) -> None:
        """Compute anew how much starts disagree: the report decides by that, so it decides here what is undecided."""
        for threads in self._plan.thread_budgets:
            trials = (planned for planned in self._plan if planned.threads == threads)
            self._disagreement[threads] = disagreement_of_starts(
                (self._valid_parts(planned) for planned in trials), first_look=PLANNED_STARTS
            )

    def _note_undecided(self) -> None:
        """Count what stayed undecided, for the summary and for ``run.json``."""
        counts = [self._undecided(planned) for planned in self._plan]
        self.run_folder.run["undecided"] = {"pairs": sum(counts), "problems": sum(count > 0 for count in counts)}


def _machine_state() -> dict[str, float]:
    """Clocks and counters of the machine before a pass."""
    return {"began": time.time(), "steal": environment.steal_seconds() or 0.0}


def _machine_state_since(before: dict[str, float]) -> dict[str, Any]:
    """Time, stolen time and load since ``before``, which :func:`_machine_state` returned."""
    return {
        "began_at": now(before["began"]),
        "wall_s": time.time() - before["began"],
        "steal_s": (environment.steal_seconds() or 0.0) - before["steal"],
        "load": psutil.getloadavg()[0],
    }
