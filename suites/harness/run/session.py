"""A run from the outside: planned, begun or resumed, asked for its cells, closed, and summed up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from random import SystemRandom
from typing import Any

from pointwise_bench import Problem
from pointwise_bench.common.status import SKIPPED
from pointwise_bench.suites.claims import Claim
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile, ClaimResult
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.machine.canary import DESCRIPTION, Canary
from pointwise_bench.suites.harness.machine.ceiling_meters import CeilingMeters
from pointwise_bench.suites.harness.record.cell import Cell, Place
from pointwise_bench.suites.harness.record.run_folder import RunFolder, newest_unfinished, now
from pointwise_bench.suites.harness.run.claim_plan import ClaimPlan
from pointwise_bench.suites.harness.run.options import BadOption, Options
from pointwise_bench.suites.harness.run.passes import Passes
from pointwise_bench.suites.harness.run.plan import Plan


class BudgetSpent(Exception):
    """The time budget left no room for this problem; ``--resume`` with a new budget goes on."""


class Session:
    """Measures all that the plan holds when its first cell is asked for."""

    def __init__(self, settings: Options, announce: Callable[[str], None], began: float | None = None) -> None:
        self._settings = settings
        self._began = time.monotonic() if began is None else began
        self._announce = announce
        self._plan = Plan()
        self._course: Passes | None = None
        self._ran = False
        self._claims = ClaimPlan()
        self.record: RunFolder | None = None
        self._claim_file: ClaimFile | None = None  # there as soon as the record is

    def plan(self, problem: Problem, threads: int, backend: str, place: Place) -> None:
        """Add one cell to the plan. The same problem in another place is measured once."""
        self._plan.add(problem, threads, backend, place)

    def plan_claim(self, claim: Claim, threads: int, backend: str) -> None:
        """Add one claim of one backend to the plan."""
        self._claims.add(claim, threads, backend)

    def resume(self) -> None:
        """Take up the newest unfinished run of this machine. ``BadOption`` where there is none, or where it differs."""
        record = newest_unfinished(self._settings.results, environment.machine())
        if record is None:
            raise BadOption(f"--resume: no unfinished run of this machine in {self._settings.results}")
        for name, old, new in (
            *_differences("option", record.run["options"], self._options_like(record)),
            *_differences(
                "software", *(_software(each) for each in (record.run["environment"], environment.describe()))
            ),
        ):
            raise BadOption(f"--resume: {name} differs from the run in {record.folder}: {old!r} there, {new!r} now")
        self._use(record)
        self._announce(
            f"resuming {record.folder}: {len(record)} cells are finished, "
            f"and {len(record.checkpoint)} passes over single problems"
            + (f", and {len(self._results_of_claims)} claims of single backends" if self._claims else "")
        )

    def cell(self, problem: Problem, threads: int, backend: str) -> Cell:
        """The result for one planned cell; measures the whole plan when it is the first to be asked for.

        ``BudgetSpent`` where no time was left for its problem.
        """
        key = (backend, problem.id, threads)
        if self.record is None or key not in self.record:
            self._measure()
        if self.record is None or key not in self.record:
            raise self._spent()
        return self.record.cell(key)

    def finding(self, claim: Claim, threads: int, backend: str) -> ClaimResult:
        """The same for one planned claim of one backend. All cells come before all claims."""
        key = (claim.name, backend, threads)
        if self._claim_file is None or key not in self._claim_file:
            self._measure()
        if self._claim_file is None or key not in self._claim_file:
            raise self._spent()
        return self._claim_file.finding(key)

    def _measure(self) -> None:
        """Everything that is planned; once, also when it is interrupted: another test must not begin again."""
        if self._ran:
            return
        self._ran = True
        course = self._course or self._start()
        course.run()
        if self._claims:
            assert self.record is not None, "started with the course"
            seconds = self._claims.seconds(course.budget)
            seed = self.record.run["options"]["seed"]
            self._claims.run(seconds, self._settings, self._results_of_claims, course.pool, seed, self._announce)

    def _spent(self) -> BudgetSpent:
        asked = self._settings.time_budget_s
        return BudgetSpent(f"not measured: the time budget{'' if asked is None else f' of {asked:g} s'} is spent")

    def finish(self) -> None:
        """Let all workers go and close the record; the run counts as finished when every planned cell is there."""
        if self.record is None:
            return
        # A resumed run may lack nothing but its end.
        course, self._course = self._course or self._start(), None
        complete = course.complete and self._claims.complete(self._results_of_claims)
        course.pool.close()
        # Also of a run that its time budget ended; what an earlier session was told stays, unless it was told again.
        for key, told in (("libraries", course.libraries), ("ran", course.ran)):
            self.record.run[key] = self.record.run.get(key, {}) | told
        if complete:
            self.record.run["ceilings"] += course.gauges.read("after")
            self.record.run["finished_at"] = now()
        course.gauges.close()
        earlier = self.record.run.get("totals", {"wall_s": 0.0, "timed_s": 0.0})  # of sessions that ended by themselves
        wall_s, timed_s = earlier["wall_s"] + course.budget.elapsed_s(), earlier["timed_s"] + course.timed_s
        self.record.run["totals"] = {
            "wall_s": wall_s,
            "timed_s": timed_s,
            "timed_share": timed_s / wall_s,
            "cells": self.record.statuses,
        } | ({"claims": self._results_of_claims.statuses} if self._claims else {})
        self.record.write()
        if complete:
            self.record.checkpoint.close()

    def summary(self) -> Iterator[str]:
        """What came out, what failed and why, where the time went, and what to do next."""
        if self.record is None:
            return
        totals = self.record.run["totals"]
        counts = ", ".join(f"{count} {status}" for status, count in totals["cells"].items())
        yield f"{sum(totals['cells'].values())} cells: {counts}"
        yield from _failures(self.record)
        yield from self._claims.summary(self._results_of_claims)
        yield (
            f"{totals['wall_s']:.0f} s in all, {totals['timed_s']:.0f} s "
            f"({100 * totals['timed_share']:.0f} %) of it inside timed calls"
        )
        if still_open := self.record.run.get("undecided"):
            yield f"{still_open['pairs']} pairs on {still_open['problems']} problems stayed undecided"
        finished = self.record.run["finished_at"] is not None
        yield f"run{'' if finished else ', unfinished (--resume goes on with it)'}: {self.record.folder}"
        yield f"report: pointwise-bench report {self.record.folder}"

    def _use(self, record: RunFolder) -> None:
        self.record, self._claim_file = record, ClaimFile(record.folder)

    @property
    def _results_of_claims(self) -> ClaimFile:
        assert self._claim_file is not None, "comes with the record"
        return self._claim_file

    # --- starting -------------------------------------------------------------------------------------------

    def _start(self) -> Passes:
        budget = TimeBudget(self._seconds(), self._began)
        gauges = CeilingMeters(self._thread_budgets, self._announce)
        canary = Canary()
        if self.record is None:
            self._use(self._new_record(canary, gauges))
        assert self.record is not None
        budget.closing_s = gauges.cost_s + self._claims.reserve_s(self._seconds())
        settings = self._claims.hurried(self._settings, self._plan)
        self._course = Passes(self._plan, settings, self.record, budget, gauges, canary, self._announce)
        return self._course

    def _seconds(self) -> float | None:
        """As asked; a run of claims alone has a budget of its own, since they are there to be looked at at once."""
        asked = self._settings.time_budget_s
        return self._claims.usual_s if asked is None and self._claims.stand_alone(self._plan) else asked

    @property
    def _thread_budgets(self) -> list[int]:
        return sorted({*self._plan.thread_budgets, *self._claims.thread_budgets})

    def _new_record(self, canary: Canary, gauges: CeilingMeters) -> RunFolder:
        description = environment.describe()
        for warning in description["warnings"]:
            self._announce(f"warning: {warning}")
        run = {
            "machine": environment.machine(),
            "started_at": now(),
            "finished_at": None,
            "options": self._options() | {"seed": self._seed()},
            "environment": description,
            "ceilings": gauges.read("before"),
            "canary": {"description": DESCRIPTION, "unit": "s", "baseline_s": canary.baseline_s},
            "passes": [],
        } | ({"claims": self._claims.described} if self._claims else {})
        record = RunFolder.create(self._settings.results, run)
        self._announce(f"run: {record.folder}")
        return record

    def _options(self) -> dict[str, Any]:
        asked = asdict(self._settings)
        return {
            "shapes": list(asked["shapes"]),
            "backends": sorted({*self._plan.backends, *self._claims.backends}),
            "threads": self._thread_budgets,
            "plugins": list(asked["plugins"]),
            "time_budget_s": asked["time_budget_s"],
            "timeout_s": asked["timeout_s"],
            "in_process": asked["in_process"],
            "cache": asked["cache"],
        } | ({} if asked["seed"] is None else {"seed": asked["seed"]})

    def _options_like(self, record: RunFolder) -> dict[str, Any]:
        """The options as asked now, with those of ``record`` that a resumed run may leave open or change.

        A time budget decides how much is measured, not what a number means.
        """
        old = record.run["options"]
        return {"seed": old["seed"]} | self._options() | {"time_budget_s": old["time_budget_s"]}

    def _seed(self) -> int:
        """As asked, or drawn anew: a backend cannot foresee the inputs of a run."""
        asked = self._settings.seed
        return SystemRandom().randrange(2**32) if asked is None else asked


def _failures(record: RunFolder) -> Iterator[str]:
    """A line for each backend and way of failing: how often, where first, and why."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in map(record.cell, sorted(record.failed)):
        if cell.status not in SKIPPED:
            found.setdefault((cell.backend, cell.status), []).append(cell)
    for (backend, status), cells in found.items():
        others = f", and on {len(cells) - 1} more" if len(cells) > 1 else ""
        yield f"{backend}: {status} on {cells[0].problem}{others}: {cells[0].reason}"


def _software(description: dict[str, Any]) -> dict[str, Any]:
    """What of an environment decides what a number means."""
    kept = ("python", "system", "processor", "affinity", "variables")
    return dict(description["packages"]) | {name: description.get(name) for name in kept}


def _differences(kind: str, old: dict[str, Any], new: dict[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{kind} {name}", old.get(name), new.get(name)
