"""The parts of a run, scripted: no process, no ceilings, times made up. For the tests of what directs a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from changed_policy import changed_policy

from pointwise_bench.backends import Problem, registry
from pointwise_bench.suites.harness.design import time_budget
from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.record.run_folder import RunFolder, newest_unfinished
from pointwise_bench.suites.harness.run import passes as passes_module, session as session_module
from pointwise_bench.suites.harness.run.course.sequences import Sequences
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.session import Session
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, SetUp
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp
from pointwise_bench.suites.harness.worker.pool import WorkerSlot

BACKENDS = ("naive-loops", "numpy-matmul")
PROBLEMS = [Problem(batch=batch, in_channels=8, out_channels=8, height=4, width=4) for batch in (1, 2)]
ROUNDS = 8


class Killed(BaseException):
    """An exception that no part of the harness handles."""


class ScriptedClient:
    """Times that tell the backends apart, or not."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self.seconds = seconds

    def refuses(self, problem: Problem, timeout_s: float) -> None:
        """Nothing."""

    def set_up(self, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        """A pass."""
        return SetUp(0.1, 0.01, 0.25)

    def warm_up(self, timeout_s: float) -> WarmUp:
        """A millisecond per call."""
        return WarmUp(1e-3, 1.0)

    isolation = "worker"

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """At rest."""
        return 0.0

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """One round."""
        seconds = self.seconds()
        return Turn(seconds, 1.0, calls * seconds, None)

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """Nothing."""

    def finish(self, timeout_s: float) -> Finish:
        """Another pass."""
        return Finish(0.5, 10**8)


class ScriptedPool:
    """As :class:`Pool`, without a process; raises :class:`Killed` when it has served ``until`` slots."""

    speeds: dict[str, Callable[[], float]]
    served: list[tuple[str, int]]
    until: int | None

    at_once = 2

    def __init__(self, logs: Path, *, starts: int = 0, **keywords: Any) -> None:
        self._starts = starts
        self._slots: dict[str, WorkerSlot] = {}

    def start(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], float]:
        """Nothing: each client is made when its slot is asked for."""
        return {}

    def missing(self, key: tuple[str, int]) -> None:
        """Nothing."""

    def problems(self, key: tuple[str, int]) -> int:
        """As :meth:`Pool.problems`."""
        slot = self._slots.get(key[0])
        return 0 if slot is None or slot.client is None else slot.problems

    def slot(self, name: str, threads: int) -> WorkerSlot:
        """A slot with its client."""
        if len(self.served) == self.until:
            raise Killed
        slot = self._slots.setdefault(name, WorkerSlot(registry.get(name), threads, starts=self._starts))
        if slot.client is None:
            client: Any = ScriptedClient(self.speeds[name])
            slot.client, slot.problems = client, 0
            slot.starts += 1
        self.served.append((name, slot.starts - 1))
        return slot

    def dismiss(self, slot: WorkerSlot) -> None:
        """A new client when it is next needed."""
        slot.client = None

    def restart(self) -> None:
        """New clients."""
        for slot in self._slots.values():
            slot.client = None

    def occupied(self) -> tuple[WorkerSlot, ...]:
        """None that could be asked for its libraries."""
        return ()

    close = restart


class ScriptedMeters:
    """No ceilings."""

    cost_s = 0.0

    def __init__(self, *arguments: Any) -> None:
        pass

    def begin(self) -> None:
        """Nothing to start."""

    def read(self, phase: str) -> list[dict[str, Any]]:
        """None."""
        return []

    def close(self) -> None:
        """Nothing to do."""


class ScriptedCanary:
    """Always as quick: half a millisecond of computing in every round was a third of what these tests took."""

    baseline_s = 5e-4

    def __init__(self, threads: int) -> None:
        pass

    def work_s(self, threads: int, cores: list[int] | None) -> float:
        """One beat."""
        return self.baseline_s


def script(monkeypatch: pytest.MonkeyPatch) -> type[ScriptedPool]:
    """Put the scripted parts in their places; two backends that are easily told apart."""
    monkeypatch.setattr(ScriptedPool, "speeds", {BACKENDS[0]: lambda: 2e-3, BACKENDS[1]: lambda: 1e-3}, raising=False)
    monkeypatch.setattr(ScriptedPool, "served", [], raising=False)
    monkeypatch.setattr(ScriptedPool, "until", None, raising=False)
    monkeypatch.setattr(passes_module, "Pool", ScriptedPool)
    monkeypatch.setattr(session_module, "CeilingMeters", ScriptedMeters)
    monkeypatch.setattr(session_module, "Canary", ScriptedCanary)
    # Whose workers are asked for cells is what is tested, and not what one of them is asked behind all cells.
    monkeypatch.setattr(Sequences, "run", lambda self: None)
    # A fifth of a second of reading the metadata of whatever is installed, twice in every run.
    monkeypatch.setattr(environment, "packages", lambda: {"numpy": "2.0"})
    # Which passes there are is what is tested, and not how many rounds each of them has.
    monkeypatch.setattr(time_budget, "POLICY", changed_policy(rounds={"usual": ROUNDS}))
    return ScriptedPool


def planned(results: Path, announce: Callable[[str], None] = lambda line: None, **options: Any) -> Session:
    """A session that is to measure both problems with both backends."""
    session = Session(Options(results=results, seed=1, **options), announce)
    for problem in PROBLEMS:
        for name in BACKENDS:
            session.plan(problem, 1, name, Place("a group", problem.id))
    return session


def undecided() -> dict[str, Callable[[], float]]:
    """Two backends whose rounds contradict each other."""
    numbers = iter(range(10**9))
    return {BACKENDS[0]: lambda: 1e-3 * (1.5 if next(numbers) % 2 else 1.0), BACKENDS[1]: lambda: 1.2e-3}


def kill_after(results: Path, slots: int) -> RunFolder:
    """What is on disk of a run whose process was killed when so many slots had been served."""
    ScriptedPool.until = slots
    session = planned(results)
    with pytest.raises(Killed):
        session.cell(PROBLEMS[0], 1, BACKENDS[0])
    session.release()  # as the kernel does
    ScriptedPool.until = None
    ScriptedPool.served.clear()
    run_folder = newest_unfinished(results, environment.machine())
    assert run_folder is not None
    return run_folder


def starts_of(session: Session, problem: Problem, name: str) -> list[int]:
    """The numbers of the workers' starts that a cell is of."""
    return list(dict.fromkeys(session.cell(problem, 1, name).process))
