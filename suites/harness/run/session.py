"""One session: its run is planned, begun or resumed, asked for its cells, and finished."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from random import SystemRandom
from typing import Any

from pointwise_bench import Problem
from pointwise_bench.common.cores import available_cores
from pointwise_bench.common.status import SKIPPED
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile, ClaimResult
from pointwise_bench.suites.harness.design.costs import CostBook, CostKey
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.machine.ceiling_meters import CeilingMeters
from pointwise_bench.suites.harness.machine.project_version import project_version
from pointwise_bench.suites.harness.machine.state.canary import DESCRIPTION, Canary
from pointwise_bench.suites.harness.record import costs_file
from pointwise_bench.suites.harness.record.cell import Cell, Place
from pointwise_bench.suites.harness.record.json_lines import CannotRecord
from pointwise_bench.suites.harness.record.locks import Lock, LockedByAnother, hold_machine
from pointwise_bench.suites.harness.record.mending import Damage
from pointwise_bench.suites.harness.record.run_folder import RunFolder, now
from pointwise_bench.suites.harness.run.account import Account
from pointwise_bench.suites.harness.run.claim_plan import ClaimPlan
from pointwise_bench.suites.harness.run.course.finals import Finals
from pointwise_bench.suites.harness.run.course.forecast import Forecast
from pointwise_bench.suites.harness.run.course.full_course import FullCourse
from pointwise_bench.suites.harness.run.course.screening import Screening
from pointwise_bench.suites.harness.run.course.sequences import Sequences, reserve_s
from pointwise_bench.suites.harness.run.options import BadOption, Options
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.run.plan import Plan, TrialTask
from pointwise_bench.suites.harness.run.resumption import IS_THERE_AGAIN, check_resumable, resumable


class BudgetSpent(Exception):
    """The time budget left no room for this problem; ``--resume`` with a new budget goes on."""


class Session:
    """The run of one session of pytest: measures the whole plan when its first cell is asked for."""

    def __init__(self, options: Options, announce: Callable[[str], None], began: float | None = None) -> None:
        self._options = options
        self._began = time.monotonic() if began is None else began
        self._announce = announce
        self._plan = Plan()
        self._passes: Passes | None = None
        self._ran = False
        self._followed = False  # the course was followed to its end, though it may have left cells out
        self._claims = ClaimPlan()
        self._reasons: dict[CostKey, str] = {}
        self.run_folder: RunFolder | None = None
        self._claim_file: ClaimFile | None = None  # opened with the run folder
        self._locks: list[Lock] = []

    def plan(self, problem: Problem, threads: int, backend: str, place: Place) -> None:
        """Add one cell to the plan. The same problem in another place is measured once."""
        self._plan.add(problem, threads, backend, place)

    def plan_claim(self, claim: Claim, threads: int, backend: str) -> None:
        """Add one claim of one backend to the plan."""
        self._claims.add(claim, threads, backend)

    def hold_machine(self) -> None:
        """Be the only process that measures on this machine. ``BadOption`` that names the other one.

        A machine on which no lock can be made is measured all the same, and that is said.
        """
        if self._options.in_process or not (self._plan.backends or self._claims):
            return  # numbers from this process are compared with nobody's
        try:
            lock = hold_machine(f"since {now()}, results in {self._options.results.absolute()}", self._announce)
        except LockedByAnother as held:
            raise BadOption(str(held)) from None
        self._locks += [] if lock is None else [lock]

    def resume(self) -> None:
        """Go on with the newest unfinished run of this machine. ``BadOption`` where there is none, or it differs."""
        run_folder = resumable(self._options.results, self._announce)
        self._hold_run(run_folder)
        check_resumable(run_folder, self._recorded_options())
        damages = self._mended(run_folder)
        self._announce(
            f"resuming {run_folder.folder}: {len(run_folder.cells)} cells are finished, "
            f"and {len(run_folder.checkpoint)} passes over single problems"
            + (f", and {len(self._claim_results)} claims of single backends" if self._claims else "")
        )
        for damage in damages:
            self._announce(f"{damage}; what it held {IS_THERE_AGAIN}")

    def cell(self, problem: Problem, threads: int, backend: str) -> Cell:
        """The result for one planned cell; measures the whole plan when it is the first to be asked for.

        ``BudgetSpent`` where no time was left for its problem.
        """
        key = (backend, problem.id, threads)
        if self.run_folder is None or key not in self.run_folder.cells:
            self._measure()
        if self.run_folder is None or key not in self.run_folder.cells:
            raise self._spent((backend, threads))
        return self.run_folder.cells[key]

    def skipped(self, problem: Problem, threads: int, backend: str) -> str | None:
        """Why there is nothing to show of a planned cell, once the plan is measured; None where there is, or before."""
        if not self._ran or self.run_folder is None:
            return None
        key = (backend, problem.id, threads)
        if key not in self.run_folder.cells:
            return str(self._spent((backend, threads)))
        if key not in self.run_folder.cells.failed:
            return None
        cell = self.run_folder.cells[key]
        return f"{cell.status}: {cell.reason}" if cell.status in SKIPPED else None

    def claim_result(self, claim: Claim, threads: int, backend: str) -> ClaimResult:
        """The result of one planned claim of one backend, as :meth:`cell`. All cells are timed before all claims."""
        key = (claim.name, backend, threads)
        if self._claim_file is None or key not in self._claim_file:
            self._measure()
        if self._claim_file is None or key not in self._claim_file:
            raise self._spent()
        return self._claim_file.result(key)

    def _measure(self) -> None:
        """Measure all that is planned; only once, even if it is interrupted: a later test must not begin anew."""
        if self._ran:
            return
        self._ran = True
        passes = self._passes or self._start()
        self._reasons = self._follow_course(passes)
        self._followed = True
        Sequences(passes, self._options).run()
        if self._claims:
            assert self.run_folder is not None, "it is made with the passes"
            passes.gauge_first()
            seconds = self._claims.release_s(passes.budget)
            seed = self.run_folder.run["options"]["seed"]
            self._claims.run(seconds, self._options, self._claim_results, passes.pool, seed, self._announce)

    def _follow_course(self, passes: Passes) -> dict[CostKey, str]:
        """Measure; why a backend was left out on some problems."""
        if not self._screens:
            FullCourse(passes, in_process=self._options.in_process).run()
            passes.note_undecided()
            return {}
        passes.complete_written_trials()
        screening, finals = Screening(passes), Finals(passes)
        screening.run()
        finals.run()
        while screening.extend():
            finals.run()
        for planned in self._plan:
            passes.write_cells(planned)
        passes.write_controls()
        passes.note_undecided()
        return screening.reasons

    @property
    def _screens(self) -> bool:
        """Whether only those who can still win are started again: within a time budget, unless all is asked for."""
        return self._seconds() is not None and not (self._options.full or self._options.in_process)

    def _spent(self, key: CostKey | None = None) -> BudgetSpent:
        """Why nothing was measured; ``key``: of which backend with which thread budget."""
        if key in self._reasons:
            return BudgetSpent(f"not measured: {self._reasons[key]}")
        asked = self._options.time_budget_s
        return BudgetSpent(f"not measured: the time budget{'' if asked is None else f' of {asked:g} s'} is spent")

    def finish(self) -> None:
        """End all workers and complete ``run.json``. The run is finished when every planned cell is there.

        ``CannotRecord`` where the disk does not take it.
        """
        try:
            self._finish()
        finally:
            self.release()

    def release(self) -> None:
        """Let others measure here, and go on with this run; the end of the process does the same."""
        while self._locks:
            self._locks.pop().release()

    def _finish(self) -> None:
        if self.run_folder is None:
            return
        # A resumed run may have all its cells and not be finished.
        passes, self._passes = self._passes or self._start(), None
        complete = passes.complete and self._claims.complete(self._claim_results)
        passes.pool.close()
        # Also of a run that its time budget ended; what an earlier session learned stays, unless it was learned anew.
        for key, learned in (
            ("libraries", passes.facts.libraries),
            ("ran", passes.facts.ran),
            ("properties", passes.facts.properties),
        ):
            self.run_folder.run[key] = self.run_folder.run.get(key, {}) | learned
        if (complete or self._followed) and passes.budget.allows_last_gauging(passes.meters.cost_s):
            self.run_folder.run["ceilings"] += passes.meters.read("after")
        if complete:
            self.run_folder.run["finished_at"] = now()
        passes.meters.close()
        # Of earlier sessions that were not killed.
        earlier = self.run_folder.run.get("totals", {"wall_s": 0.0, "timed_s": 0.0})
        wall_s, timed_s = earlier["wall_s"] + passes.budget.elapsed_s(), earlier["timed_s"] + passes.timed_s
        self.run_folder.run["totals"] = {
            "wall_s": wall_s,
            "timed_s": timed_s,
            "timed_share": timed_s / wall_s,
            "cells": self.run_folder.cells.statuses,
        } | ({"claims": self._claim_results.statuses} if self._claims else {})
        self.run_folder.write()
        if complete:
            self.run_folder.checkpoint.close()
        planned = self._plan.keys
        known = {key: one for key, one in passes.costs.known().items() if key in planned}
        try:  # last, and no fault of the run's where the disk does not take it
            costs_file.save(self.run_folder.folder.parent, known, passes.costs.took_of_foreseen)
        except CannotRecord as refused:
            self._announce(f"warning: {refused}: the next run plans without what this one has learnt")

    @property
    def account(self) -> Account | None:
        """What the run came to; None where nothing was measured."""
        if self.run_folder is None:
            return None
        return Account(self._options, self._plan, self._claims, self.run_folder, self._claim_results)

    def _hold_run(self, run_folder: RunFolder) -> None:
        """Be the only process that writes to the run. ``BadOption`` that names the other one."""
        try:
            self._locks.append(Lock.take(run_folder.lock, f"since {now()}"))
        except LockedByAnother as holder:
            raise BadOption(
                f"--resume: {run_folder.folder} is being measured by {holder}: wait for its end, or end it"
            ) from None
        except OSError as error:
            raise BadOption(f"--resume: {run_folder.folder} cannot be written to: {error}") from None

    def _open(self, run_folder: RunFolder) -> None:
        self.run_folder, self._claim_file = run_folder, ClaimFile(run_folder.folder)

    def _mended(self, run_folder: RunFolder) -> list[Damage]:
        """Open a run that is gone on with; what of its files could not be used and was moved aside."""
        try:
            self._open(run_folder)
            files = (run_folder.cells, run_folder.checkpoint, self._claim_results, run_folder.controls)
        except CannotRecord as refused:
            raise BadOption(f"--resume: {refused}") from None
        return [file.damage for file in files if file.damage is not None]

    @property
    def _claim_results(self) -> ClaimFile:
        """The results of the claims, once the run folder is open."""
        assert self._claim_file is not None, "it is opened with the run folder"
        return self._claim_file

    # --- starting -------------------------------------------------------------------------------------------

    def _start(self) -> Passes:
        budget = TimeBudget(self._seconds(), self._began)
        meters = CeilingMeters(self._thread_budgets, self._announce)
        costs = self._known_costs()
        if self._screens and self._plan:
            self._announce(self._foreseen(costs, budget))
        canary = Canary(max(self._thread_budgets))
        if self.run_folder is None:
            run_folder = self._new_run_folder(canary)
            self._hold_run(run_folder)
            self._open(run_folder)
        assert self.run_folder is not None
        budget.closing_s = self._claims.reserve_s(self._seconds())
        budget.closing_s += reserve_s(self._plan, self._options, self._seconds())
        options = self._claims.hurried(self._options, self._plan)
        self._passes = Passes(self._plan, options, self.run_folder, budget, costs, meters, canary, self._announce)
        return self._passes

    def _known_costs(self) -> CostBook:
        """What earlier runs on this machine have shown of the costs of backends."""
        known, took_of_foreseen = costs_file.load(self._options.results / environment.machine())
        planned = self._plan.keys
        at_once = 1 if self._options.in_process else available_cores()
        return CostBook({key: one for key, one in known.items() if key in planned}, at_once, took_of_foreseen)

    def _foreseen(self, costs: CostBook, budget: TimeBudget) -> str:
        """The plan in a line, before anything is started: by the costs of earlier runs, or the usual ones."""
        tasks = [
            TrialTask(each, tuple(name for name in each.backends if costs.of((name, each.threads)).usable))
            for each in self._plan
        ]
        reach = Forecast(costs).screening(tasks, budget.left_s() - POLICY.costs.ceilings_s)
        return (
            reach.said
            if costs.known()
            else f"{reach.said} (foreseen from usual costs: this machine's are not known yet)"
        )

    def _seconds(self) -> float | None:
        """The time budget as given; a run of claims alone has one of its own, since its result is waited for."""
        asked = self._options.time_budget_s
        return self._claims.usual_s if asked is None and self._claims.stand_alone(self._plan) else asked

    @property
    def _thread_budgets(self) -> list[int]:
        return sorted({*self._plan.thread_budgets, *self._claims.thread_budgets})

    def _new_run_folder(self, canary: Canary) -> RunFolder:
        description = environment.describe()
        for warning in description["warnings"]:
            self._announce(f"warning: {warning}")
        run = {
            "machine": environment.machine(),
            "started_at": now(),
            "finished_at": None,
            "options": self._recorded_options() | {"seed": self._seed()},
            "policy": POLICY.written(),
            "project": project_version(),
            "selection": self._plan.selection,
            "models": dict(self._options.models),
            "environment": description,
            "ceilings": [],  # measured once the workers are started
            "canary": {"description": DESCRIPTION, "unit": "s", "baseline_s": canary.baseline_s},
            "course": "screening" if self._screens else "full",
            "first_look": 1 if self._screens else POLICY.verdict.planned_starts,
            "passes": [],
        } | ({"claims": self._claims.described} if self._claims else {})
        run_folder = RunFolder.create(self._options.results, run)
        self._announce(f"run: {run_folder.folder}")
        return run_folder

    def _recorded_options(self) -> dict[str, Any]:
        asked = asdict(self._options)
        return {
            "shapes": list(asked["shapes"]),
            "backends": sorted({*self._plan.backends, *self._claims.backends}),
            "threads": self._thread_budgets,
            "plugins": list(asked["plugins"]),
            "time_budget_s": asked["time_budget_s"],
            "timeout_s": asked["timeout_s"],
            "in_process": asked["in_process"],
            "full": asked["full"],
            "cache": asked["cache"],
        } | ({} if asked["seed"] is None else {"seed": asked["seed"]})

    def _seed(self) -> int:
        """As given, or drawn anew: a backend cannot foresee the inputs of a run."""
        return SystemRandom().randrange(2**32) if self._options.seed is None else self._options.seed
