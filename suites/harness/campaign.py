"""A whole run: the plan, the machine's ceilings, pass after pass of contests, the record and the progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from random import Random, SystemRandom
from typing import Any

import psutil

from backends import Problem, registry
from suites.harness import environment
from suites.harness.canary import DESCRIPTION, Canary
from suites.harness.ceilings import Ceilings
from suites.harness.cell import Cell, Place
from suites.harness.clock import Budget, Deadline
from suites.harness.contest import Contest
from suites.harness.cores import cores_of
from suites.harness.gauges import Gauges
from suites.harness.legs import Leg, unite
from suites.harness.outcome import SKIPPED, Ended
from suites.harness.pool import Pool
from suites.harness.progress import Progress
from suites.harness.record import Record, newest_unfinished, now
from suites.harness.rounds import PASSES, Share
from suites.harness.settings import BadOption, Settings
from suites.harness.settling import undecided, usual

LIBRARIES_S = 10.0  # patience for asking a worker which libraries it has loaded
SHORTEST_START_S = 30.0  # for a worker to start; --timeout may be shorter than importing torch takes
MOST_PASSES = 2 * PASSES  # without a time budget, for a problem whose backends cannot be told apart
MOST_PASSES_IN_BUDGET = 24


class BudgetSpent(Exception):
    """The time budget left no room for this problem; ``--resume`` with a new budget goes on."""


@dataclass
class Event:
    """One problem with one thread budget: where it stands in the catalogue, and who competes in it."""

    problem: Problem
    threads: int
    places: list[Place] = field(default_factory=list)
    backends: list[str] = field(default_factory=list)
    cost_s: float = 0.0  # of its last contest

    @property
    def heat(self) -> tuple[str, int]:
        """What identifies it within a run."""
        return (self.problem.id, self.threads)

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.places[0].group} {self.places[0].name}"


class Campaign:
    """Measures all that the plan holds when its first cell is asked for."""

    def __init__(self, settings: Settings, announce: Callable[[str], None], began: float | None = None) -> None:
        self._settings = settings
        self._began = time.monotonic() if began is None else began
        self._announce = announce
        self._plan: dict[tuple[str, int], Event] = {}
        self._running: _Running | None = None
        self._ran = False
        self._usual: dict[int, float] = {}
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
        self.record = record
        self._announce(
            f"resuming {record.folder}: {len(record)} cells are finished, "
            f"and {len(record.journal)} passes over single problems"
        )

    def cell(self, problem: Problem, threads: int, backend: str) -> Cell:
        """The result for one planned cell; measures the whole plan when it is the first to be asked for.

        ``BudgetSpent`` where no time was left for its problem.
        """
        key = (backend, problem.id, threads)
        if not self._ran and (self.record is None or key not in self.record):
            self._ran = True  # also when it is interrupted: another test must not begin again
            self._run()
        if self.record is None or key not in self.record:
            budget = "" if self._settings.time_budget_s is None else f" of {self._settings.time_budget_s:g} s"
            raise BudgetSpent(f"not measured: the time budget{budget} is spent")
        return self.record.cell(key)

    def finish(self) -> None:
        """Let all workers go and close the record; the run counts as finished when every planned cell is there."""
        if self.record is None:
            return
        # A resumed run may lack nothing but its end.
        running, self._running = self._running or self._start(), None
        complete = not any(self._pending(event) for event in self._plan.values())
        if complete:
            self.record.run["libraries"] = running.libraries
        running.pool.close()
        if complete:
            self.record.run["ceilings"] += running.gauges.read("after")
            self.record.run["finished_at"] = now()
        running.gauges.close()
        earlier = self.record.run.get("totals", {"wall_s": 0.0, "timed_s": 0.0})  # of sessions that ended by themselves
        wall_s, timed_s = earlier["wall_s"] + running.budget.elapsed_s(), earlier["timed_s"] + running.timed_s
        self.record.run["totals"] = {
            "wall_s": wall_s,
            "timed_s": timed_s,
            "timed_share": timed_s / wall_s,
            "cells": self.record.statuses,
        }
        self.record.write()
        if complete:
            self.record.journal.close()

    def summary(self) -> Iterator[str]:
        """What came out, what failed and why, where the time went, and what to do next."""
        if self.record is None:
            return
        totals = self.record.run["totals"]
        counts = ", ".join(f"{count} {status}" for status, count in totals["cells"].items())
        yield f"{sum(totals['cells'].values())} cells: {counts}"
        yield from _failures(self.record)
        yield (
            f"{totals['wall_s']:.0f} s in all, {totals['timed_s']:.0f} s "
            f"({100 * totals['timed_share']:.0f} %) of it inside timed calls"
        )
        if still_open := self.record.run.get("undecided"):
            yield f"{still_open['pairs']} pairs on {still_open['problems']} problems stayed undecided"
        finished = self.record.run["finished_at"] is not None
        yield f"run{'' if finished else ', unfinished (--resume goes on with it)'}: {self.record.folder}"
        yield f"report: python -m report {self.record.folder}"

    # --- starting -------------------------------------------------------------------------------------------

    def _start(self) -> _Running:
        budget = Budget(self._settings.time_budget_s, self._began)
        gauges = Gauges(self._budgets(), self._announce)
        canary = Canary()
        if self.record is None:
            self.record = self._new_record(canary, gauges)
        budget.closing_s = gauges.cost_s
        ceilings = [Ceilings(**each) for each in self.record.run["ceilings"]]
        self._running = _Running(
            pool=Pool(
                self.record.workers,
                in_process=self._settings.in_process,
                start_s=max(SHORTEST_START_S, self._settings.timeout_s),
                starts=self.record.journal.starts,
            ),
            canary=canary,
            gauges=gauges,
            ceilings={each.threads: each for each in ceilings},
            rng=Random(self.record.run["options"]["seed"]),  # noqa: S311  # shuffles turns, keeps no secret
            budget=budget,
        )
        return self._running

    def _new_record(self, canary: Canary, gauges: Gauges) -> Record:
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
            "cache": asked["cache"],
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

    def _run(self) -> None:
        """The passes over everything, further ones over what stayed undecided, and the cells of whatever was begun."""
        running = self._running or self._start()
        self._close_half_written()
        passes = 1 if self._settings.in_process else PASSES
        for number in range(passes):
            self._pass(running, number, self._due(number), passes)
        for number in range(passes, self._most_passes()):
            if not (events := self._worth_settling(running, number)):
                break
            self._pass(running, number, events, passes)
        for event in self._plan.values():
            self._finalize(event)
        self._measure_again(running)
        self._note_undecided()

    def _measure_again(self, running: _Running) -> None:
        """A resumed run whose record was damaged lacks cells of backends that have no legs: their rivals are done."""
        for event in self._plan.values():
            if self._pending(event) and (passes := self._journal.passes(event.heat)):
                self._pass(running, 1 + max(passes), [event], passes=0)
                self._finalize(event)

    def _most_passes(self) -> int:
        if self._settings.in_process:
            return 1
        return MOST_PASSES if self._settings.time_budget_s is None else MOST_PASSES_IN_BUDGET

    def _due(self, number: int) -> list[Event]:
        """Unfinished problems that lack pass ``number``; those that the first pass did not reach are left out."""
        journal = self._journal
        return [
            event
            for event in self._plan.values()
            if self._pending(event)
            and number not in journal.passes(event.heat)
            and (number == 0 or journal.passes(event.heat))
        ]

    def _worth_settling(self, running: _Running, number: int) -> list[Event]:
        """Undecided problems for one more pass, the least measured first, as far as the time reaches."""
        if not running.budget.allows_settling():
            return []
        # Those that were decided are finished already, unless the run was killed before it could finish them.
        events = [event for event in self._due(number) if self._undecided(event)]
        events.sort(key=lambda event: (len(self._journal.passes(event.heat)), event.cost_s))
        affordable, seconds = [], running.budget.left_s()
        for event in events:
            seconds -= event.cost_s
            if seconds < 0:
                break
            affordable.append(event)
        return affordable

    def _pass(self, running: _Running, number: int, events: list[Event], passes: int) -> None:
        """One start of every worker, and one contest for every problem."""
        if not events:
            return
        assert self.record is not None, "a running campaign has a record"
        if number:
            running.pool.restart()
            if running.budget.allows_gauging(running.gauges.cost_s):
                self.record.run["ceilings"] += running.gauges.read("during")
        deadline = running.budget.begin_pass(passes - number if number < passes else 1)
        progress = Progress(number, passes, len(events), running.budget, self._announce)
        before = _weather()
        for event in events:
            if deadline.passed():
                break
            self._hold(running, event, number, progress, deadline)
            if number + 1 >= self._most_passes() or (number + 1 >= passes and not self._undecided(event)):
                self._finalize(event)
        running.libraries |= _libraries(running.pool)
        self._learn_usual()
        self.record.run["passes"].append({"number": number, "problems": progress.done} | _weather_since(before))
        self.record.write()

    def _hold(self, running: _Running, event: Event, number: int, progress: Progress, deadline: Deadline) -> None:
        """Run one contest and keep what it showed: first who is out, then the legs of the others."""
        assert self.record is not None, "a running campaign has a record"
        began = time.monotonic()

        def rounds(speeds: dict[str, float]) -> int:
            return running.budget.rounds(speeds, deadline.left_s() / progress.left - progress.overhead_s())

        outcome = Contest(
            problem=event.problem,
            threads=event.threads,
            backends=self._pending(event),
            pool=running.pool,
            canary=running.canary,
            rounds=rounds,
            rng=running.rng,
            timeout_s=self._settings.timeout_s,
            cores=None if self._settings.in_process else cores_of(event.threads, number),
            earlier=self._shares(event),
            ceilings=running.ceilings.get(event.threads),
            seed=self.record.run["options"]["seed"],
            cache=self._settings.cache,
        ).run()
        out = [self._ended(event, leg, ended) for leg, ended in outcome.ended]
        self.record.append(out)
        self.record.journal.append(event.heat, number, outcome.legs)
        running.timed_s += sum(leg.timed_s for leg in outcome.legs)
        event.cost_s = time.monotonic() - began
        progress.problem_done(event.title, outcome.legs, out)

    @property
    def _journal(self) -> Any:
        assert self.record is not None, "a running campaign has a record"
        return self.record.journal

    def _pending(self, event: Event) -> list[str]:
        record = self.record
        return [name for name in event.backends if record is None or (name, *event.heat) not in record]

    def _shares(self, event: Event) -> dict[str, Share]:
        """What every backend does in each pass, from the first one that it took part in."""
        found = {name: next(iter(legs.values())).share for name, legs in self._journal.legs(event.heat).items()}
        return {name: share for name, share in found.items() if share is not None}

    # --- finished cells -------------------------------------------------------------------------------------

    def _finalize(self, event: Event) -> None:
        """Make cells of the legs that are there; a problem that was not begun stays open."""
        assert self.record is not None, "a running campaign has a record"
        legs: dict[str, dict[int, Leg]] = self._journal.legs(event.heat)
        self.record.append(
            [unite(self._blank(event, name), legs[name]) for name in self._pending(event) if name in legs]
        )

    def _close_half_written(self) -> None:
        """Finish problems of which a killed run had written some timed cells: nobody is timed on without its rivals."""
        assert self.record is not None, "a running campaign has a record"
        for event in self._plan.values():
            keys = [(name, *event.heat) for name in event.backends]
            if any(key in self.record and self.record.cell(key).status == "ok" for key in keys):
                self._finalize(event)

    def _ended(self, event: Event, leg: Leg, ended: Ended) -> Cell:
        """The cell of a backend whose part ended early: how, why, and what was known by then."""
        cell = unite(self._blank(event, leg.backend), {0: leg})
        cell.end(ended.status, ended.reason)
        return cell

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
            cache=self._settings.cache,
            isolation="in-process" if self._settings.in_process else "worker",
            started_at=now(),
        )

    def _undecided(self, event: Event) -> int:
        """How many pairs of its backends are still open."""
        return undecided(self._valid_legs(event), self._usual.get(event.threads, 1.0))

    def _valid_legs(self, event: Event) -> dict[str, dict[int, Leg]]:
        """The legs of those who are still in, or came through."""
        assert self.record is not None, "a running campaign has a record"
        legs: dict[str, dict[int, Leg]] = self._journal.legs(event.heat)
        return {name: own for name, own in legs.items() if (name, *event.heat) not in self.record.failed}

    def _learn_usual(self) -> None:
        """How much starts disagree over the run so far: the report judges by that, so what is open is judged by it."""
        for threads in self._budgets():
            events = (event for event in self._plan.values() if event.threads == threads)
            self._usual[threads] = usual(self._valid_legs(event) for event in events)

    def _note_undecided(self) -> None:
        """What stayed open, for the summary and the run."""
        assert self.record is not None, "a running campaign has a record"
        counts = [self._undecided(event) for event in self._plan.values()]
        self.record.run["undecided"] = {"pairs": sum(counts), "problems": sum(count > 0 for count in counts)}


@dataclass
class _Running:
    """What exists only while a campaign measures."""

    pool: Pool
    canary: Canary
    gauges: Gauges
    ceilings: dict[int, Ceilings]
    rng: Random
    budget: Budget
    timed_s: float = 0.0
    libraries: dict[str, Any] = field(default_factory=dict)


def _failures(record: Record) -> Iterator[str]:
    """A line for each backend and way of failing: how often, where first, and why."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in map(record.cell, sorted(record.failed)):
        if cell.status not in SKIPPED:
            found.setdefault((cell.backend, cell.status), []).append(cell)
    for (backend, status), cells in found.items():
        others = f", and on {len(cells) - 1} more" if len(cells) > 1 else ""
        yield f"{backend}: {status} on {cells[0].problem}{others}: {cells[0].reason}"


def _weather() -> dict[str, float]:
    """Clocks and counters before a pass."""
    return {"began": time.time(), "steal": environment.steal_seconds() or 0.0}


def _weather_since(before: dict[str, float]) -> dict[str, Any]:
    """How the machine fared during a pass, by its own counters."""
    return {
        "began_at": now(before["began"]),
        "wall_s": time.time() - before["began"],
        "steal_s": (environment.steal_seconds() or 0.0) - before["steal"],
        "load": psutil.getloadavg()[0],
    }


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


def _software(description: dict[str, Any]) -> dict[str, Any]:
    """What of an environment decides what a number means."""
    kept = ("python", "system", "processor", "affinity", "variables")
    return dict(description["packages"]) | {name: description.get(name) for name in kept}


def _differences(kind: str, old: dict[str, Any], new: dict[str, Any]) -> Iterable[tuple[str, Any, Any]]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"{kind} {name}", old.get(name), new.get(name)
