"""A machine made up: a clock that only work advances, workers that take what they are told to, any number of cores.

For the course of a run: hours of measuring in a second, and every cost known. Steps that run side by side take what a
list scheduling of them on ``at_once`` cores takes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

from pointwise_bench import Problem
from pointwise_bench.backends import registry
from pointwise_bench.suites.harness.design.costs import size_factor
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.machine.state.nearness import Nearness
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.run import passes as passes_module, session as session_module, trial as trial_module
from pointwise_bench.suites.harness.run.course import screening as screening_module
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.session import Session
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, SetUp
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp
from pointwise_bench.suites.harness.timing.timed_sequence import Layers, SequenceSamples
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.worker.pool import WorkerSlot

CEILINGS_S = 4.0  # of one look at the ceilings
CANARY_S = 0.0005  # of one beat
CASES_S = 0.03  # of the cases and the reference of one problem


@dataclass
class Clock:
    """Seconds that only work advances."""

    now: float = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now

    def work(self, seconds: float) -> None:
        """Time goes by."""
        self.now += seconds


@dataclass
class Made:
    """One backend: its speed in multiply-adds per second, how it scatters, and what it costs. Seconds of one core."""

    speed: float = 5e10
    start_s: float = 1.0
    first_s: float = 1.0
    prepare_s: float = 0.05
    check_s: float = 0.05
    alone_s: float = 0.05
    start_sd: float = 0.005
    round_sd: float = 0.03
    lacks: str | None = None
    refuses: Callable[[Problem], str | None] = lambda problem: None
    speed_on: Callable[[Problem], float] = lambda problem: 1.0
    in_sequence: float | Ended = 1.25
    """What a pass takes over the sum of its layers, or what becomes of the worker."""


class MadeClient:
    """One start of a made backend."""

    isolation = "worker"

    def __init__(self, machine: SimulatedMachine, made: Made) -> None:
        self._machine, self._made, self._is_new = machine, made, True
        self._shifts: dict[str, float] = {}
        self._problem: Problem | None = None

    def missing(self, timeout_s: float) -> str | None:
        """As it was made."""
        return self._made.lacks

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """As it was made."""
        self._problem = problem
        return self._made.refuses(problem)

    def set_up(self, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        """Takes longer on the first problem of a worker."""
        first_s = self._made.first_s if self._is_new else 0.0
        seconds = self._made.prepare_s * self._machine.size_of(self._problem) + first_s
        self._is_new = False
        if seconds > timeout_s:
            self._machine.clock.work(timeout_s)
            raise Ended("timed-out", f"no answer within {timeout_s:g} s", alive=False)
        self._machine.clock.work(self._machine.about(seconds))
        return SetUp(0.01, 0.001, 0.1)

    def warm_up(self, timeout_s: float) -> WarmUp:
        """A part of what is done alone."""
        self._machine.clock.work(self._machine.about(self._made.alone_s * 0.7))
        return WarmUp(self.seconds_per_call(), 1.0)

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """A warm-up, and the calls."""
        seconds = self.seconds_per_call() * 2.0 ** self._machine.rng.gauss(0, self._made.round_sd)
        self._machine.clock.work(max(warm_s, seconds) + calls * seconds + 0.0005)
        self._machine.timed_s += calls * seconds
        return Turn(seconds, 1.0, calls * seconds, None)

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """At rest."""
        return 0.0

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """Takes its time."""
        self._machine.clock.work(self._machine.about(self._made.check_s * self._machine.size_of(self._problem)))

    def finish(self, timeout_s: float) -> Finish:
        """The rest of what is done alone."""
        self._machine.clock.work(self._machine.about(self._made.alone_s * 0.3))
        return Finish(0.2, 10**8)

    def time_sequence(
        self, layers: Layers, seconds: float, seed: int, cores: list[int] | None, timeout_s: float
    ) -> SequenceSamples:
        """All the time that is given, and all of what the answer may take where none comes."""
        over = self._made.in_sequence
        if isinstance(over, Ended):
            self._machine.clock.work(timeout_s)
            raise over
        self._machine.clock.work(seconds)
        alone_s = sum(count * problem.macs for problem, count in layers) / self._made.speed
        return SequenceSamples("", [alone_s] * 9, [over * alone_s] * 9)

    def libraries(self, timeout_s: float) -> list[dict[str, Any]]:
        """None."""
        return []

    def ran(self, timeout_s: float) -> None:
        """Nothing to tell."""

    def examine(self, timeout_s: float) -> None:
        """Nothing to look at."""

    def kill(self) -> None:
        """Nothing to end."""

    def seconds_per_call(self) -> float:
        """Without the scatter of rounds, with what this start shifts."""
        assert self._problem is not None, "it is asked first what it refuses"
        shift = self._shifts.setdefault(self._problem.id, self._machine.rng.gauss(0, self._made.start_sd))
        speed = self._made.speed * self._made.speed_on(self._problem)
        return float(self._problem.macs / speed * 2.0**shift)


class SimulatedPool:
    """As :class:`Pool`, of made backends; starts beside each other take their scheduling on the cores."""

    machine: SimulatedMachine

    def __init__(self, logs: Path, *, starts: int = 0, **keywords: Any) -> None:
        self._starts = starts
        self.slots: dict[tuple[str, int], WorkerSlot] = {}
        self.controls: dict[tuple[str, int], Made] = {}

    @property
    def at_once(self) -> int:
        """The cores of the machine."""
        return self.machine.cores

    def start(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], float]:
        """New clients for those that have none."""
        keys = [key for key in dict.fromkeys(wanted) if self._lacks_client(key)]
        seconds = {key: self._made(key).start_s for key in keys}
        for key in keys:
            self.slot(*key)
        self.machine.clock.work(makespan(seconds.values(), self.at_once))
        self.machine.started += [key[0] for key in keys]
        return seconds

    def slot(self, name: str, threads: int) -> WorkerSlot:
        """A slot with its client, or with what is missing."""
        backend: Any = self.machine.backend(name)
        slot = self.slots.setdefault((name, threads), WorkerSlot(backend, threads, starts=self._starts))
        if slot.client is None and slot.missing is None:
            made = self._made((name, threads))
            client: Any = MadeClient(self.machine, made)
            slot.client, slot.missing, slot.problems = client, made.lacks, 0
            slot.starts += 1
            if slot.missing is not None:
                slot.client = None
        return slot

    def add_control(self, key: tuple[str, int], original: str, percent: float) -> None:
        """The original, slower by so much."""
        made = self.machine.made[original]
        self.controls[key] = replace(made, speed=made.speed / (1 + percent / 100))

    def _made(self, key: tuple[str, int]) -> Made:
        return self.controls.get(key) or self.machine.made[key[0]]

    def missing(self, key: tuple[str, int]) -> str | None:
        """As :meth:`Pool.missing`."""
        return self.slots[key].missing if key in self.slots else None

    def problems(self, key: tuple[str, int]) -> int:
        """As :meth:`Pool.problems`."""
        return 0 if self._lacks_client(key) else self.slots[key].problems

    def occupied(self) -> list[WorkerSlot]:
        """None that is asked for its libraries."""
        return []

    def dismiss(self, slot: WorkerSlot) -> None:
        """A new client when it is next needed."""
        slot.client = None

    def restart(self) -> None:
        """New clients."""
        for slot in self.slots.values():
            slot.client = None

    close = restart

    def _lacks_client(self, key: tuple[str, int]) -> bool:
        slot = self.slots.get(key)
        return slot is None or (slot.client is None and slot.missing is None)


@dataclass
class SimulatedMachine:
    """The clock, the backends by name, and what has happened."""

    made: Mapping[str, Made]
    cores: int = 2
    clock: Clock = field(default_factory=Clock)
    rng: Random = field(default_factory=lambda: Random(1))
    sized: bool = False
    """Whether what is untimed grows with a problem's arrays, as it was measured; else it is that of a tiny one."""
    nearness: Nearness | None = None
    """Of its cores, which stay where they are."""
    busy_others: float = 0.0
    """Part of the cores that other programs keep busy."""
    timed_s: float = 0.0
    untimed_s: float = 0.0
    """Of all that ran beside others, as one core would have taken it; ``beside_s`` is what it took."""
    beside_s: float = 0.0
    started: list[str] = field(default_factory=list)
    said: list[tuple[float, str]] = field(default_factory=list)

    def about(self, seconds: float) -> float:
        """What costs scatter by, as was measured on the reference machine: a seventh."""
        return max(0.0, self.rng.gauss(seconds, seconds / 7))

    def size_of(self, problem: Problem | None) -> float:
        """Times what a tiny problem takes."""
        return size_factor(problem) if self.sized and problem is not None else 1.0

    def announce(self, line: str) -> None:
        """Keep a line with its moment."""
        self.said.append((self.clock.now, line))

    def backend(self, name: str) -> Any:
        """What a run asks the registry for."""
        return SimpleNamespace(name=name, device="cpu", output="fresh", arithmetic="own", source=None)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the machine in the place of the real one."""
        monkeypatch.setattr(SimulatedPool, "machine", self, raising=False)
        monkeypatch.setattr(time, "monotonic", self.clock)
        monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # nobody pulls a plug; hundreds of them are seconds
        monkeypatch.setattr(passes_module, "Pool", SimulatedPool)
        monkeypatch.setattr(passes_module, "Nearness", SimpleNamespace(here=lambda left_s: self.nearness))
        others = SimpleNamespace(busy_share=lambda: self.busy_others)
        monkeypatch.setattr(screening_module, "OtherPrograms", lambda: others)
        monkeypatch.setattr(registry, "get", self.backend)
        monkeypatch.setattr(session_module, "CeilingMeters", self._meters)
        monkeypatch.setattr(session_module, "Canary", self._canary)
        monkeypatch.setattr(session_module, "available_cores", lambda: self.cores)
        monkeypatch.setattr(trial_module, "side_by_side", self._side_by_side)
        monkeypatch.setattr(CaseSet, "of", self._cases)
        monkeypatch.setattr(environment, "packages", lambda: {"numpy": "2.0"})

    def _meters(self, *arguments: Any) -> Any:
        meters = SimpleNamespace(cost_s=CEILINGS_S, begin=lambda: None, close=lambda: None)

        def read(phase: str) -> list[dict[str, Any]]:
            self.clock.work(CEILINGS_S)
            return []

        meters.read = read
        return meters

    def _canary(self, threads: int) -> Any:
        def work_s(threads: int, cores: list[int] | None) -> float:
            self.clock.work(CANARY_S)
            return CANARY_S

        return SimpleNamespace(baseline_s=CANARY_S, work_s=work_s)

    def _cases(self, *arguments: Any) -> Any:
        problem = next((each for each in arguments if isinstance(each, Problem)), None)
        self.clock.work(CASES_S * self.size_of(problem))
        return SimpleNamespace(to_block=lambda: None)

    def _side_by_side(self, ask: Callable[[Any], None], asked: Iterable[Any], at_once: int) -> list[tuple[Any, Any]]:
        """One after the other on the clock, which then stands where a list scheduling would have it."""
        began, seconds, ends = self.clock.now, [], []
        for one in asked:
            self.clock.now, end = began, None
            try:
                ask(one)
            except Ended as ended:
                end = ended
            seconds.append(self.clock.now - began)
            ends.append((one, end))
        self.clock.now = began + makespan(seconds, at_once)
        self.untimed_s += sum(seconds)
        self.beside_s += self.clock.now - began
        return ends


def makespan(seconds: Iterable[float], cores: int) -> float:
    """Of jobs that are given, in their order, to whichever core is free first."""
    busy = [0.0] * max(1, cores)
    for each in seconds:
        busy.sort()
        busy[0] += each
    return max(busy)


def problems(count: int, channels: int = 64) -> list[Problem]:
    """So many, each a little larger than the one before."""
    return [
        Problem(batch=1, in_channels=channels, out_channels=channels, height=7 + number, width=14)
        for number in range(count)
    ]


def run_of(
    machine: SimulatedMachine,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    groups: dict[str, list[Problem]],
    threads: int = 1,
    **options: Any,
) -> Session:
    """A session of all backends of the machine, begun now, measured to its end."""
    machine.install(monkeypatch)
    session = Session(Options(results=folder, seed=1, **options), machine.announce, machine.clock.now)
    for group, members in groups.items():
        for problem in members:
            for name in machine.made:
                session.plan(problem, threads, name, Place(group, problem.id))
    first = next(iter(groups.values()))[0]
    session.cell(first, threads, next(iter(machine.made)))
    session.finish()
    return session
