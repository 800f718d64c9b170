"""The course of a run: pass after pass over its events, until every cell is whole or the time is up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from random import Random
from typing import Any

import psutil

from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.design.rounds import PASSES, Share
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
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.plan import Plan, PlannedTrial
from pointwise_bench.suites.harness.run.progress import Progress
from pointwise_bench.suites.harness.run.trial import Trial
from pointwise_bench.suites.harness.run.undecided import undecided, usual
from pointwise_bench.suites.harness.worker.pool import Pool

LIBRARIES_S = 10.0  # patience for asking a worker which libraries it has loaded, and what ran
SHORTEST_START_S = 30.0  # for a worker to start; --timeout may be shorter than importing torch takes
MOST_PASSES = 2 * PASSES  # without a time budget, for a problem whose backends cannot be told apart
MOST_PASSES_IN_BUDGET = 24


class Passes:
    """Measures what ``plan`` holds and ``record`` lacks. Exists only while a run measures."""

    def __init__(
        self,
        plan: Plan,
        settings: Options,
        record: RunFolder,
        budget: TimeBudget,
        gauges: CeilingMeters,
        canary: Canary,
        announce: Callable[[str], None],
    ) -> None:
        self.record = record
        self.budget = budget
        self.gauges = gauges
        self.timed_s = 0.0
        self.libraries: dict[str, Any] = {}
        self.ran: dict[str, str] = {}
        self.pool = Pool(
            record.workers,
            in_process=settings.in_process,
            start_s=max(SHORTEST_START_S, settings.timeout_s),
            starts=record.checkpoint.starts,
            patience_s=budget.patience_s,
        )
        self._plan = plan
        self._settings = settings
        self._canary = canary
        self._announce = announce
        self._seed: int = record.run["options"]["seed"]
        self._rng = Random(self._seed)  # noqa: S311  # shuffles turns, keeps no secret
        self._ceilings = {each["threads"]: Ceilings(**each) for each in record.run["ceilings"]}
        self._usual: dict[int, float] = {}
        self._starting_s = 0.0  # of the last pass: what its first contest took beside the timing

    @property
    def complete(self) -> bool:
        """Whether every planned cell is there."""
        return not any(self._pending(event) for event in self._plan)

    def run(self) -> None:
        """The passes over everything, further ones over what stayed undecided, and the cells of whatever was begun."""
        self._close_half_written()
        passes = 1 if self._settings.in_process else PASSES
        for number in range(passes):
            self._pass(number, self._due(number), passes)
        for number in range(passes, self._most_passes()):
            if not (events := self._worth_settling(number)):
                break
            self._pass(number, events, passes)
        for event in self._plan:
            self._finalize(event)
        self._measure_again()
        self._note_undecided()

    def _measure_again(self) -> None:
        """A resumed run whose record was damaged lacks cells of backends that have no parts: their rivals are done."""
        for event in self._plan:
            if self._pending(event) and (passes := self.record.checkpoint.passes(event.key)):
                self._pass(1 + max(passes), [event], passes=0)
                self._finalize(event)

    def _most_passes(self) -> int:
        if self._settings.in_process:
            return 1
        return MOST_PASSES if self._settings.time_budget_s is None else MOST_PASSES_IN_BUDGET

    def _due(self, number: int) -> list[PlannedTrial]:
        """Unfinished problems that lack pass ``number``; those that the first pass did not reach are left out."""
        checkpoint = self.record.checkpoint
        return [
            event
            for event in self._plan
            if self._pending(event)
            and number not in checkpoint.passes(event.key)
            and (number == 0 or checkpoint.passes(event.key))
        ]

    def _worth_settling(self, number: int) -> list[PlannedTrial]:
        """Undecided problems for one more pass, the least measured first, as far as the time reaches."""
        if not self.budget.allows_settling(self._starting_s):
            return []
        # Those that were decided are finished already, unless the run was killed before it could finish them.
        events = [event for event in self._due(number) if self._undecided(event)]
        events.sort(key=lambda event: (len(self.record.checkpoint.passes(event.key)), event.cost_s))
        affordable, seconds = [], self.budget.left_s() - self._starting_s
        for event in events:
            seconds -= event.cost_s
            if seconds < 0:
                break
            affordable.append(event)
        return affordable

    def _pass(self, number: int, events: list[PlannedTrial], passes: int) -> None:
        """One start of every worker, and one contest for every problem."""
        if not events or (number and self.budget.left_s() < self._starting_s):
            return
        if number:
            self.pool.restart()
            if self.budget.allows_gauging(self.gauges.cost_s):
                self.record.run["ceilings"] += self.gauges.read("during")
        deadline = self.budget.begin_pass(passes - number if number < passes else 1)
        progress = Progress(number, passes, len(events), self.budget, self._announce)
        before = _weather()
        if number:  # another order: what the problems before have left in a process is another one then, too
            events = self._rng.sample(events, len(events))
        for event in events:
            if deadline.passed():
                break
            self._hold(event, number, progress, deadline)
            if number + 1 >= self._most_passes() or (number + 1 >= passes and not self._undecided(event)):
                self._finalize(event)
        self._ask_what_ran()
        self._learn_usual()
        self.record.run["passes"].append({"number": number, "problems": progress.done} | _weather_since(before))
        self.record.write()

    def _hold(self, event: PlannedTrial, number: int, progress: Progress, deadline: Deadline) -> None:
        """Run one contest and keep what it showed: first who is out, then the parts of the others."""
        began, is_first = time.monotonic(), not progress.done

        def rounds(speeds: dict[str, float]) -> int:
            return self.budget.rounds(speeds, deadline.left_s() / progress.left - progress.overhead_s())

        outcome = Trial(
            problem=event.problem,
            threads=event.threads,
            backends=self._pending(event),
            pool=self.pool,
            canary=self._canary,
            rounds=rounds,
            rng=self._rng,
            timeout_s=self._settings.timeout_s,
            cores=None if self._settings.in_process else cores_of(event.threads, number),
            earlier=self._shares(event),
            ceilings=self._ceilings.get(event.threads),
            seed=self._seed,
            cache=self._settings.cache,
            patience_s=self.budget.patience_s,
            hurried=self._settings.time_budget_s is not None,
        ).run()
        earlier = self.record.checkpoint.parts(event.key)
        # Who was there before and lacks the time for once has not failed: the pass goes without it.
        out = [
            self._ended(event, part, ended)
            for part, ended in outcome.ended
            if not (isinstance(ended, Hurried) and part.backend in earlier)
        ]
        self.record.append(out)
        self.record.checkpoint.append(event.key, number, outcome.parts)
        timed_s = sum(part.timed_s for part in outcome.parts)
        self.timed_s += timed_s
        event.cost_s = time.monotonic() - began
        if is_first:
            self._starting_s = event.cost_s - timed_s
        progress.problem_done(event.title, outcome.parts, out)

    def _ask_what_ran(self) -> None:
        """What each living worker has loaded, and says that it ran: a silent fall-back is visible here."""
        for station in self.pool.living():
            assert station.host is not None, "the living have a host"
            name = f"{station.backend.name}, {station.threads} threads"
            with suppress(Ended):  # a worker that cannot say so has said what matters already
                self.libraries[name] = station.host.libraries(LIBRARIES_S)
                if (ran := station.host.ran(LIBRARIES_S)) is not None:
                    self.ran[name] = ran

    def _pending(self, event: PlannedTrial) -> list[str]:
        return [name for name in event.backends if (name, *event.key) not in self.record]

    def _shares(self, event: PlannedTrial) -> dict[str, Share]:
        """What every backend does in each pass, from the first one that it took part in."""
        found = {
            name: next(iter(parts.values())).share for name, parts in self.record.checkpoint.parts(event.key).items()
        }
        return {name: share for name, share in found.items() if share is not None}

    # --- finished cells -------------------------------------------------------------------------------------

    def _finalize(self, event: PlannedTrial) -> None:
        """Make cells of the parts that are there; a problem that was not begun stays open."""
        parts: dict[str, dict[int, PassSamples]] = self.record.checkpoint.parts(event.key)
        self.record.append(
            [unite_passes(self._blank(event, name), parts[name]) for name in self._pending(event) if name in parts]
        )

    def _close_half_written(self) -> None:
        """Finish problems of which a killed run had written some timed cells: nobody is timed on without its rivals."""
        for event in self._plan:
            keys = [(name, *event.key) for name in event.backends]
            if any(key in self.record and self.record.cell(key).status == "ok" for key in keys):
                self._finalize(event)

    def _ended(self, event: PlannedTrial, part: PassSamples, ended: Ended) -> Cell:
        """The cell of a backend whose part ended early: how, why, and what was known by then."""
        cell = unite_passes(self._blank(event, part.backend), {0: part})
        cell.end(ended.status, ended.reason)
        return cell

    def _blank(self, event: PlannedTrial, backend: str) -> Cell:
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
            arithmetic=instance.arithmetic,
            cache=self._settings.cache,
            isolation="in-process" if self._settings.in_process else "worker",
            started_at=now(),
        )

    def _undecided(self, event: PlannedTrial) -> int:
        """How many pairs of its backends are still open."""
        return undecided(self._valid_parts(event), self._usual.get(event.threads, 1.0))

    def _valid_parts(self, event: PlannedTrial) -> dict[str, dict[int, PassSamples]]:
        """The parts of those who are still in, or came through, and whom the report will compare."""
        parts: dict[str, dict[int, PassSamples]] = self.record.checkpoint.parts(event.key)
        failed = {name for name in parts if (name, *event.key) in self.record.failed}
        return {
            name: own for name, own in parts.items() if name not in failed and registry.get(name).arithmetic == "own"
        }

    def _learn_usual(self) -> None:
        """How much starts disagree over the run so far: the report judges by that, so what is open is judged by it."""
        for threads in self._plan.thread_budgets:
            events = (event for event in self._plan if event.threads == threads)
            self._usual[threads] = usual(self._valid_parts(event) for event in events)

    def _note_undecided(self) -> None:
        """What stayed open, for the summary and the run."""
        counts = [self._undecided(event) for event in self._plan]
        self.record.run["undecided"] = {"pairs": sum(counts), "problems": sum(count > 0 for count in counts)}


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
