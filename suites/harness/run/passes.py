"""The passes of a run: trial after trial, each kept as soon as it is over, until the cells are written.

Which trials there are, and who takes part, is decided by a course: :mod:`course.full_course`, or
:mod:`course.screening` and :mod:`course.finals`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import partial
from random import Random

from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.design.controls import CONTROLS
from pointwise_bench.suites.harness.design.costs import CostBook, CostKey, TrialCosts
from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.machine.affinity import cores_of
from pointwise_bench.suites.harness.machine.ceiling_meters import CeilingMeters
from pointwise_bench.suites.harness.machine.ceilings import Ceilings
from pointwise_bench.suites.harness.machine.state.canary import Canary
from pointwise_bench.suites.harness.machine.state.machine_state import MachineState
from pointwise_bench.suites.harness.machine.state.nearness import Nearness
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.record.pass_samples import PassSamples, unite_passes
from pointwise_bench.suites.harness.record.run_folder import RunFolder, now
from pointwise_bench.suites.harness.run.contenders import Disagreement, Parts, disagreement_of_starts, undecided
from pointwise_bench.suites.harness.run.facts import LIBRARIES_S, SHORTEST_LOOK_S, Facts
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.plan import Plan, PlannedTrial, TrialTask
from pointwise_bench.suites.harness.run.progress import Progress
from pointwise_bench.suites.harness.run.suspects import Suspects
from pointwise_bench.suites.harness.run.trial import Trial, TrialResult
from pointwise_bench.suites.harness.worker.pool import Pool, WorkerSlot
from pointwise_bench.suites.harness.worker.side_by_side import side_by_side

SHORTEST_START_S = 30.0  # for a worker to start; --timeout may be shorter than importing torch takes


class Passes:
    """Runs trials of ``plan`` and keeps what they show. Exists only while a run measures."""

    def __init__(
        self,
        plan: Plan,
        options: Options,
        run_folder: RunFolder,
        budget: TimeBudget,
        costs: CostBook,
        meters: CeilingMeters,
        canary: Canary,
        announce: Callable[[str], None],
    ) -> None:
        self.plan = plan
        self.run_folder = run_folder
        self.checkpoint = run_folder.checkpoint
        self.budget = budget
        self.costs = costs
        self.meters = meters
        self.announce = announce
        self.screened_out: set[CostKey] = set()
        self.timed_s = 0.0
        self.facts = Facts()
        self.pool = Pool(
            run_folder.workers,
            in_process=options.in_process,
            start_s=max(SHORTEST_START_S, options.timeout_s),
            starts=run_folder.checkpoint.starts,
            patience_s=budget.patience_s,
        )
        self._options = options
        self._canary = canary
        # Where backends run in this process, their threads are not stopped while it looks.
        self._nearness = None if options.in_process else Nearness.here(budget.left_s)
        self.rng = Random(run_folder.run["options"]["seed"])  # noqa: S311  # shuffles turns, keeps no secret
        self._ceilings: dict[int, Ceilings] = {}
        self._gauged = False
        self.suspects = Suspects(run_folder.cells)
        self._first_look: int = run_folder.run["first_look"]
        self._disagreement: dict[int, Disagreement] = {}
        self._controls: tuple[str, int] | None = None  # the backend that stands behind them, and its thread budget
        if run_folder.run["ceilings"]:  # of an earlier session
            self._keep_ceilings()

    def spend_on_waiting(self, share: float) -> None:
        """Let turns of several threads wait for cores that are near, for so large a part of the time from now on."""
        if self._nearness is not None:
            self._nearness.spend_on_waiting(share)

    @property
    def complete(self) -> bool:
        """Whether every planned cell is there."""
        return not any(self.pending(planned) for planned in self.plan)

    # --- what is there already ------------------------------------------------------------------------------

    def pending(self, planned: PlannedTrial) -> list[str]:
        """The backends whose cell is not written."""
        return [name for name in planned.backends if (name, *planned.key) not in self.run_folder.cells]

    def valid_parts(self, planned: PlannedTrial) -> dict[str, dict[int, PassSamples]]:
        """The parts of the backends that have not failed and that the report will compare."""
        parts: dict[str, dict[int, PassSamples]] = self.checkpoint.parts(planned.key)
        failed = {name for name in parts if (name, *planned.key) in self.run_folder.cells.failed}
        return {
            name: own
            for name, own in parts.items()
            if name in planned.backends and name not in failed and registry.get(name).arithmetic == "own"
        }

    def undecided(self, planned: PlannedTrial) -> int:
        """How many pairs of its backends are undecided."""
        return undecided(self.valid_parts(planned), self.disagreement(planned.threads))

    def disagreement(self, threads: int) -> Disagreement:
        """How much starts disagree, as of the last pass that was over."""
        return self._disagreement.get(threads) or Disagreement(first_look=self._first_look)

    # --- passes ---------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """End all workers for another pass, and measure the ceilings between two where that takes little."""
        self.pool.restart()
        self.costs.note_restart()
        if self.budget.allows_gauging(self.meters.cost_s):
            self.run_folder.run["ceilings"] += self.meters.read("during")

    def gauge_first(self) -> None:
        """Measure the ceilings before anything is timed; once in a run."""
        if not self._gauged:
            self.run_folder.run["ceilings"] += self.meters.read("before")
            self.run_folder.write()
            if self.budget.allows_last_gauging(self.meters.cost_s):
                self.budget.closing_s += self.meters.cost_s
            self._keep_ceilings()

    def _keep_ceilings(self) -> None:
        self._gauged = True
        self._ceilings = {each["threads"]: Ceilings(**each) for each in self.run_folder.run["ceilings"]}

    def start(self, keys: Iterable[CostKey]) -> None:
        """Start the workers of these backends and thread budgets, those that do not run already.

        The first time, what measures the ceilings compiles beside them.
        """
        wanted = list(dict.fromkeys(keys))
        if not self._gauged:
            self.meters.begin()
            if self._nearness is not None and any(threads > 1 for _, threads in wanted):
                self._nearness.begin()
        began = time.monotonic()
        seconds = self.pool.start(wanted)
        self.costs.note_starts(seconds, time.monotonic() - began)
        for key in wanted:
            if self.pool.missing(key) is not None:
                self.costs.note_missing(key)
        self.gauge_first()

    def ask_for_refusals(self, tasks: Sequence[TrialTask], keys: Collection[CostKey]) -> None:
        """Ask these backends, whose workers run, which problems they refuse: what they seem to cost may be none."""
        ends = time.monotonic() + min(LIBRARIES_S, self.budget.patience_s())
        # Not pool.slot(), which would start a worker that has ended: none may be started in these threads.
        slots = [slot for slot in self.pool.occupied() if (slot.name, slot.threads) in keys]

        def ask(slot: WorkerSlot) -> None:
            key = (slot.name, slot.threads)
            for problem in dict.fromkeys(task.planned.problem for task in tasks if key in task.keys):
                patience_s = ends - time.monotonic()
                if slot.client is None or patience_s < SHORTEST_LOOK_S:
                    return
                if slot.client.refuses(problem, patience_s) is not None:
                    self.costs.refused.add((key, problem))

        for slot, ended in side_by_side(ask, slots, self.pool.at_once):
            if ended is not None and not ended.alive:
                self.pool.dismiss(slot)  # its trials start another, which is asked again

    def use_controls(self, leader: str, threads: int) -> None:
        """From now on, the names of :data:`CONTROLS` are those of the ``leader``, slowed."""
        self._controls = (leader, threads)
        for control in CONTROLS:
            self.pool.add_control((control.name, threads), leader, control.percent)
            self.costs.suppose((control.name, threads), (leader, threads))
        percents = {control.name: control.percent for control in CONTROLS}
        self.run_folder.run["controls"] = {"backend": leader, "threads": threads, "slower_by_percent": percents}

    @contextmanager
    def recorded(self, number: int, progress: Progress) -> Iterator[None]:
        """One pass: when it is over, what ran is asked, and the pass is written to ``run.json``."""
        before = MachineState.now()
        yield
        slots = [slot for slot in self.pool.occupied() if (slot.name, slot.threads) not in self.screened_out]
        self.facts.ask(slots, self.pool, self.budget)  # those that a short time has screened out are left out
        self.suspects.note_strays(self.facts.strays)
        self._update_disagreement()
        done = {"number": number, "problems": progress.done}
        self.run_folder.run["passes"].append(done | before.until_now())
        if self._nearness is not None and self._nearness.turns:
            self.run_folder.run["core_distance"] = self._nearness.recorded()
        self.run_folder.write()

    def trial(
        self,
        task: TrialTask,
        number: int,
        progress: Progress,
        rounds: Callable[[dict[str, float]], int] | int,
        far_rounds: int | None = None,
    ) -> None:
        """Run one trial and keep its result: first the cells of backends that ended, then the parts of the others.

        ``rounds`` may depend on everybody's seconds per call; ``far_rounds``: see :class:`Trial`.
        """
        self.gauge_first()
        planned, began = task.planned, time.monotonic()
        first = [key for key in task.keys if self.pool.problems(key) == 0]
        rounds_of = rounds if callable(rounds) else lambda speeds: rounds
        backends = (*self._longest_first(task), *self._missing(task))
        result = self._tried(planned, backends, number, rounds_of, far_rounds)
        out = self._keep(planned, number, result)
        planned.cost_s = time.monotonic() - began
        self._learn(planned, result, first)
        progress.problem_done(planned.title, result.parts, out)

    def _tried(
        self,
        planned: PlannedTrial,
        backends: Sequence[str],
        number: int,
        rounds: Callable[[dict[str, float]], int],
        far_rounds: int | None = None,
    ) -> TrialResult:
        suspected = self.suspects.names()
        result = Trial(
            problem=planned.problem,
            threads=planned.threads,
            backends=backends,
            pool=self.pool,
            canary=self._canary,
            rounds=rounds,
            rng=self.rng,
            timeout_s=self._options.timeout_s,
            cores=None if self._options.in_process else cores_of(planned.threads, number),
            earlier=self._shares(planned),
            ceilings=self._ceilings.get(planned.threads),
            cache=self._options.cache,
            patience_s=self.budget.patience_s,
            hurried=self._options.time_budget_s is not None,
            far_rounds=far_rounds,
            suspected=suspected,
            nearness=self._nearness if planned.threads > 1 else None,  # one core is near itself
            known_s=self.costs.known_seconds(planned.problem, planned.threads, backends),
        ).run()
        self.suspects.note_trial(planned.key, suspected, result)
        return result

    def _longest_first(self, task: TrialTask) -> list[str]:
        """The backends in the order in which they prepare beside each other: who takes long must not begin last.

        Longest processing time first (R. L. Graham, SIAM Journal on Applied Mathematics 17, 1969). Their turns have an
        order of their own.
        """
        seconds = {key: self.costs.of(key).untimed_s for key in task.keys}
        return [key[0] for key in sorted(task.keys, key=lambda key: (-seconds[key], key))]

    def _missing(self, task: TrialTask) -> list[str]:
        """The backends that lack something here: that is the result of their cells on every problem."""
        open_ = [name for name in self.pending(task.planned) if name not in task.backends]
        return [name for name in open_ if self.pool.missing((name, task.planned.threads)) is not None]

    def _keep(self, planned: PlannedTrial, number: int, result: TrialResult) -> list[Cell]:
        """Write what a trial has shown; the cells of those that ended."""
        earlier = self.checkpoint.parts(planned.key)
        # A backend that was timed in an earlier pass and only lacks time now has not failed: this pass goes without it.
        out = [
            self._ended(planned, part, ended)
            for part, ended in result.ended
            if part.backend in planned.backends and not (isinstance(ended, Hurried) and part.backend in earlier)
        ]
        self.run_folder.cells.append(out)
        self.checkpoint.append(planned.key, number, result.parts)
        self.timed_s += sum(part.wall_s for part in result.parts)
        return out

    def _learn(self, planned: PlannedTrial, result: TrialResult, first: Sequence[CostKey]) -> None:
        """Note what the trial has cost each of its backends, and beside them."""
        refused = [part.backend for part, ended in result.ended if ended.status == "unsupported"]
        seen = {(name, planned.threads): one for name, one in result.costs.items()}
        seen |= {(name, planned.threads): TrialCosts(0.0, 0.0, None) for name in refused}
        self.costs.note_trial(planned.problem, seen, set(first) & seen.keys())
        if not first:
            rounds = {part.backend: len(part.samples_s) for part in result.parts}
            self.costs.note_foreseen(
                self.costs.trial_s(planned.problem, planned.threads, rounds | dict.fromkeys(refused, 0)), planned.cost_s
            )
            turns_s = sum(part.wall_s for part in result.parts)
            self.costs.note_problem(planned.problem, planned.cost_s - turns_s, planned.threads, seen.values())

    def _shares(self, planned: PlannedTrial) -> dict[str, Share]:
        """What every backend does in each pass, from the first one that it took part in."""
        by_backend = self.checkpoint.parts(planned.key)
        found = {name: next(iter(parts.values())).share for name, parts in by_backend.items()}
        return {name: share for name, share in found.items() if share is not None}

    def _update_disagreement(self) -> None:
        """Compute anew how much starts disagree: the report decides by that, so it decides here what is undecided."""
        for threads in self.plan.thread_budgets:
            trials: Iterable[Parts] = (self.valid_parts(planned) for planned in self.plan if planned.threads == threads)
            self._disagreement[threads] = disagreement_of_starts(trials, self._first_look)

    # --- cells ----------------------------------------------------------------------------------------------

    def write_cells(self, planned: PlannedTrial) -> None:
        """Write the cells of a trial from its parts; a trial that was not begun stays open."""
        parts: dict[str, dict[int, PassSamples]] = self.checkpoint.parts(planned.key)
        cells = []
        for name in [each for each in self.pending(planned) if each in parts]:
            cells.append(unite_passes(self._empty_cell(planned, name), parts[name]))
            if ended := self.suspects.end_of(cells[-1].key, partial(self._looked_at_again, planned, name)):
                cells[-1].end(ended.status, ended.reason)
        self.run_folder.cells.append(cells)

    def _looked_at_again(self, planned: PlannedTrial, backend: str) -> Ended | None:
        """How a trial of the suspected backend alone ends, in one round: None where it comes through."""
        result = self._tried(planned, (backend,), 0, lambda speeds: 1)
        return next((ended for _, ended in result.ended), None)

    def write_controls(self) -> None:
        """Write the cells of the controls."""
        found = [
            unite_passes(self._empty_cell(planned, self._controls[0], name), parts)
            for planned in self.plan
            for name, parts in self.checkpoint.parts(planned.key).items()
            if name not in planned.backends and self._controls
        ]
        if found:
            self.run_folder.controls.append(found)

    def complete_written_trials(self) -> None:
        """Write the other cells of trials of which a killed run had written some: a backend is never timed on alone."""
        for planned in self.plan:
            keys = [(name, *planned.key) for name in planned.backends]
            if any(key in self.run_folder.cells and self.run_folder.cells[key].status == "ok" for key in keys):
                self.write_cells(planned)

    def note_undecided(self) -> None:
        """Count what stayed undecided, for the summary and for ``run.json``."""
        counts = [self.undecided(planned) for planned in self.plan]
        self.run_folder.run["undecided"] = {"pairs": sum(counts), "problems": sum(count > 0 for count in counts)}

    def _ended(self, planned: PlannedTrial, part: PassSamples, ended: Ended) -> Cell:
        """The cell of a backend whose part ended early: its status, the reason, and what was measured by then."""
        cell = unite_passes(self._empty_cell(planned, part.backend), {0: part})
        cell.end(ended.status, ended.reason)
        return cell

    def _empty_cell(self, planned: PlannedTrial, backend: str, name: str | None = None) -> Cell:
        """The cell of a backend before anything is known, under another ``name`` where it is a control."""
        instance = registry.get(backend)
        place, *others = planned.places
        return Cell(
            backend=name or backend,
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
