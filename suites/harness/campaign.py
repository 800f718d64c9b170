"""A whole run: the plan, the machine's ceilings, one contest after another, the record and the progress."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from random import Random, SystemRandom
from typing import Any

from backends import Problem, registry
from suites.harness import environment
from suites.harness.canary import DESCRIPTION, Canary
from suites.harness.ceilings import Ceilings, measure_apart
from suites.harness.contest import Contest
from suites.harness.outcome import Ended
from suites.harness.pool import Pool
from suites.harness.progress import Progress
from suites.harness.record import Cell, Key, Place, Record, now, unfinished_runs
from suites.harness.rounds import ROUNDS, affordable_rounds
from suites.harness.settings import BadOption, Settings

CLOSING_S = 6.0  # kept back from a time budget for each thread budget's last ceilings
LIBRARIES_S = 10.0  # patience for asking a worker which libraries it has loaded


class BudgetSpent(Exception):
    """The time budget leaves no room for another problem; ``--resume`` with a new budget goes on."""


@dataclass
class Event:
    """One problem with one thread budget: where it stands in the catalogue, and who competes in it."""

    problem: Problem
    threads: int
    places: list[Place] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)


class Campaign:
    """Measures what the plan holds, a problem at a time, when its first cell is asked for."""

    def __init__(self, settings: Settings, announce: Callable[[str], None]) -> None:
        self._settings = settings
        self._announce = announce
        self._plan: dict[tuple[str, int], Event] = {}
        self._cells: dict[Key, Cell] = {}
        self._running: _Running | None = None
        self.record: Record | None = None

    def plan(self, problem: Problem, threads: int, backend: str, place: Place) -> None:
        """Add one cell to the plan. The same problem in another place is measured once."""
        event = self._plan.setdefault((problem.id, threads), Event(problem, threads))
        if place not in event.places:
            event.places.append(place)
        if backend not in event.backends:
            event.backends.append(backend)

    def resume(self) -> None:
        """Take up the newest unfinished run of this machine. ``BadOption`` where there is none, or where it differs."""
        found = unfinished_runs(self._settings.results, environment.machine())
        if not found:
            raise BadOption(f"--resume: no unfinished run of this machine in {self._settings.results}")
        record = found[0]
        for name, old, new in (
            *_differences("option", record.run["options"], self._options_like(record)),
            *_differences("package", record.run["environment"]["packages"], environment.packages()),
        ):
            raise BadOption(f"--resume: {name} differs from the run in {record.folder}: {old!r} there, {new!r} now")
        record.drop_torn_line()
        self._cells = {cell.key: cell for cell in record.cells()}
        self.record = record
        self._announce(f"resuming {record.folder}: {len(self._cells)} cells are there already")

    def cell(self, problem: Problem, threads: int, backend: str) -> Cell:
        """The result for one planned cell; measures the whole problem when it is the first to be asked for.

        ``BudgetSpent`` where no time is left to begin another problem.
        """
        key = (backend, problem.id, threads)
        if key not in self._cells:
            running = self._start() if self._running is None else self._running
            if self._seconds_left(running) < 0:
                raise BudgetSpent(f"not measured: the time budget of {self._settings.time_budget_s:g} s is spent")
            self._hold(running, self._plan[problem.id, threads])
        return self._cells[key]

    def finish(self) -> None:
        """Let all workers go and close the record; the run counts as finished when every planned cell is there."""
        if self.record is None:
            return
        # A resumed run may lack nothing but its end.
        running, self._running = self._running or self._start(), None
        complete = not any(self._pending(event) for event in self._plan.values())
        if complete:
            self.record.run["libraries"] = _libraries(running.pool)
        running.pool.close()
        if complete:
            self.record.run["ceilings"] += _ceilings(self._budgets(), "after", self._announce)
            self.record.run["finished_at"] = now()
        wall_s = time.monotonic() - running.began
        statuses = [cell.status for cell in self._cells.values()]
        self.record.run["totals"] = {
            "wall_s": wall_s,
            "timed_s": running.timed_s,
            "timed_share": running.timed_s / wall_s,
            "cells": {status: statuses.count(status) for status in sorted(set(statuses))},
        }
        self.record.write()

    def summary(self) -> Iterator[str]:
        """What came out, where the time went, and what to do next."""
        if self.record is None:
            return
        totals = self.record.run["totals"]
        counts = ", ".join(f"{count} {status}" for status, count in totals["cells"].items())
        yield f"{sum(totals['cells'].values())} cells: {counts}"
        yield (
            f"{totals['wall_s']:.0f} s in all, {totals['timed_s']:.0f} s "
            f"({100 * totals['timed_share']:.0f} %) of it inside timed calls"
        )
        finished = self.record.run["finished_at"] is not None
        yield f"run{'' if finished else ', unfinished (--resume goes on with it)'}: {self.record.folder}"
        yield f"report: python -m report {self.record.folder}"

    # --- starting -------------------------------------------------------------------------------------------

    def _start(self) -> _Running:
        began = time.monotonic()
        canary = Canary()
        if self.record is None:
            self.record = self._new_record(canary)
        ceilings = [Ceilings(**each) for each in self.record.run["ceilings"]]
        pending = [event for event in self._plan.values() if self._pending(event)]
        self._running = _Running(
            pool=Pool(self.record.workers, in_process=self._settings.in_process),
            canary=canary,
            ceilings={each.threads: each for each in ceilings},
            rng=Random(self.record.run["options"]["seed"]),  # noqa: S311  # shuffles turns, keeps no secret
            began=began,
            progress=Progress(len(pending), self._announce),
        )
        return self._running

    def _new_record(self, canary: Canary) -> Record:
        description = environment.describe()
        for warning in description["warnings"]:
            self._announce(f"warning: {warning}")
        ceilings = _ceilings(self._budgets(), "before", self._announce)
        run = {
            "machine": environment.machine(),
            "started_at": now(),
            "finished_at": None,
            "options": self._options() | {"seed": self._seed()},
            "environment": description,
            "ceilings": ceilings,
            "canary": {"description": DESCRIPTION, "unit": "s", "baseline_s": canary.baseline_s},
        }
        record = Record.create(self._settings.results, run)
        self._announce(f"run: {record.folder}")
        return record

    def _options(self) -> dict[str, Any]:
        asked = asdict(self._settings)
        return {
            "shapes": list(asked["shapes"]),
            "backends": sorted({name for event in self._plan.values() for name in event.backends}),
            "threads": list(self._budgets()),
            "plugins": list(asked["plugins"]),
            "time_budget_s": asked["time_budget_s"],
            "timeout_s": asked["timeout_s"],
            "in_process": asked["in_process"],
        } | ({} if asked["seed"] is None else {"seed": asked["seed"]})

    def _options_like(self, record: Record) -> dict[str, Any]:
        """The options as asked now, with those of ``record`` that a resumed run may leave open or change.

        A time budget decides how much is measured, not what a number means.
        """
        old = record.run["options"]
        return {"seed": old["seed"]} | self._options() | {"time_budget_s": old["time_budget_s"]}

    def _seed(self) -> int:
        """As asked, or drawn anew: a backend cannot foresee the inputs of a run."""
        asked = self._settings.seed
        return SystemRandom().randrange(2**32) if asked is None else asked

    def _budgets(self) -> list[int]:
        return sorted({event.threads for event in self._plan.values()})

    # --- measuring ------------------------------------------------------------------------------------------

    def _pending(self, event: Event) -> list[str]:
        return [name for name in event.backends if (name, event.problem.id, event.threads) not in self._cells]

    def _hold(self, running: _Running, event: Event) -> None:
        """Run one contest and keep its cells."""
        assert self.record is not None, "a running campaign has a record"
        contest = Contest(
            problem=event.problem,
            cells=[self._blank(event, name) for name in self._pending(event)],
            pool=running.pool,
            canary=running.canary,
            rounds=lambda speeds: self._rounds(running, speeds),
            rng=running.rng,
            timeout_s=self._settings.timeout_s,
            ceilings=running.ceilings.get(event.threads),
            seed=self.record.run["options"]["seed"],
        )
        finished = []
        for batch in contest.run():
            self.record.append(batch)
            self._cells |= {cell.key: cell for cell in batch}
            finished += batch
        running.timed_s += sum(cell.timed_s for cell in finished)
        running.progress.problem_done(f"{event.places[0].group} {event.places[0].name}", finished)

    def _blank(self, event: Event, backend: str) -> Cell:
        instance = registry.get(backend)
        place, *others = event.places
        return Cell(
            backend=backend,
            problem=event.problem.id,
            threads=event.threads,
            group=place.group,
            name=place.name,
            count=place.count,
            also=[asdict(other) for other in others],
            device=instance.device,
            output=instance.output,
            isolation="in-process" if self._settings.in_process else "worker",
            started_at=now(),
        )

    def _rounds(self, running: _Running, speeds: dict[str, float]) -> int:
        """As many rounds as this problem's share of the time budget allows, or the usual number without a budget."""
        if self._settings.time_budget_s is None:
            return ROUNDS
        this_problem_s = self._seconds_left(running) / max(1, running.progress.left)
        return affordable_rounds(speeds, this_problem_s - running.progress.overhead_s())

    def _seconds_left(self, running: _Running) -> float:
        """Of the time budget, the last ceilings kept back; infinite without one."""
        if self._settings.time_budget_s is None:
            return float("inf")
        closing_s = CLOSING_S * len(self._budgets())
        return self._settings.time_budget_s - (time.monotonic() - running.began) - closing_s


@dataclass
class _Running:
    """What exists only while a campaign measures."""

    pool: Pool
    canary: Canary
    ceilings: dict[int, Ceilings]
    rng: Random
    began: float
    progress: Progress
    timed_s: float = 0.0


def _ceilings(budgets: Iterable[int], phase: str, announce: Callable[[str], None]) -> list[dict[str, Any]]:
    """Measured ceilings by thread budget; a failure costs the roofline, not the run."""
    found = []
    for threads in budgets:
        try:
            found.append(asdict(measure_apart(threads, phase)))
        except (subprocess.SubprocessError, OSError, ValueError) as error:
            announce(f"warning: the ceilings for {threads} threads could not be measured: {error}")
    return found


def _libraries(pool: Pool) -> dict[str, Any]:
    """What each living worker has loaded: a silent fall-back to another library is visible here."""
    found = {}
    for station in pool.living():
        assert station.host is not None, "the living have a host"
        try:
            found[f"{station.backend.name}, {station.threads} threads"] = station.host.libraries(LIBRARIES_S)
        except Ended:
            continue
    return found


def _differences(kind: str, old: dict[str, Any], new: dict[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{kind} {name}", old.get(name), new.get(name)
