"""A trial whose clients are scripted: correct backends of a millisecond per call, but for what a test lets them do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any, TypeVar

from pointwise_bench import Problem
from pointwise_bench.common.status import Status
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.record.pass_samples import PassSamples
from pointwise_bench.suites.harness.run.trial import Trial, TrialResult
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, SetUp
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp
from pointwise_bench.suites.harness.worker.pool import WorkerSlot

PROBLEM = Problem(batch=1, in_channels=64, out_channels=64, height=16, width=16)
CALL_S = 1e-3
ROUNDS = 6
REQUESTS = ("refuses", "set_up", "warm_up", "turn", "idle", "check_answers", "finish")
Answer = TypeVar("Answer")


@dataclass
class ScriptedClient:
    """Answers as a correct backend of a millisecond per call would, but for what its ``script`` says."""

    name: str
    requests: list[tuple[str, str]]
    script: dict[str, Callable[[int], Any]] = field(default_factory=dict)
    numbers: dict[str, Iterator[int]] = field(default_factory=dict)
    turns: list[tuple[int, float, list[int] | None]] = field(default_factory=list)

    def answer(self, request: str, usual: Answer) -> Answer:
        """The script's answer to the request's n-th repetition, or the usual one."""
        self.requests.append((request, self.name))
        number = next(self.numbers.setdefault(request, count()))
        scripted = self.script[request](number) if request in self.script else None
        if isinstance(scripted, Exception):
            raise scripted
        answer: Answer = usual if scripted is None else scripted
        return answer

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """Nothing."""
        return self.answer("refuses", None)

    def set_up(self, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        """A pass."""
        return self.answer("set_up", SetUp(0.1, 0.01, 0.25))

    def warm_up(self, timeout_s: float) -> WarmUp:
        """A millisecond per call, on one core."""
        return self.answer("warm_up", WarmUp(CALL_S, 1.0))

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """One round."""
        self.turns.append((calls, warm_s, cores))
        return self.answer("turn", Turn(CALL_S, 1.0, calls * CALL_S, None))

    isolation = "worker"

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """At rest."""
        return self.answer("idle", 0.01)

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """Another pass."""
        return self.answer("check_answers", None)

    def finish(self, timeout_s: float) -> Finish:
        """Another pass."""
        return self.answer("finish", Finish(0.5, 10**8))


class ScriptedPool:
    """Slots with scripted clients, of which a dismissed one is replaced like a real one."""

    at_once = 2

    def __init__(self, **scripts: dict[str, Callable[[int], Any]]) -> None:
        self.requests: list[tuple[str, str]] = []
        self.scripts = {name.replace("_", "-"): script for name, script in scripts.items()}
        self.slots: dict[str, WorkerSlot] = {}
        self.devices: dict[str, str] = {}

    def slot(self, name: str, threads: int) -> WorkerSlot:
        """As :meth:`pointwise_bench.suites.harness.worker.pool.Pool.slot`."""
        backend: Any = SimpleNamespace(device=self.devices.get(name, "cpu"))
        slot = self.slots.setdefault(name, WorkerSlot(backend, threads))
        if slot.client is None:
            slot.client = ScriptedClient(name, self.requests, self.scripts[name])  # type: ignore[assignment]
            slot.starts += 1
        return slot

    def dismiss(self, slot: WorkerSlot) -> None:
        """As :meth:`pointwise_bench.suites.harness.worker.pool.Pool.dismiss`."""
        slot.client = None


class CountingCanary:
    """A canary that counts."""

    def __init__(self) -> None:
        self.number = 0
        self.cores: list[list[int] | None] = []

    def work_s(self, threads: int, cores: list[int] | None) -> float:
        """The number of the beat."""
        self.number += 1
        self.cores.append(cores)
        return float(self.number)


def trial_of(pool: ScriptedPool, **changed: Any) -> Trial:
    fixed: dict[str, Any] = {
        "problem": PROBLEM,
        "threads": 1,
        "backends": list(pool.scripts),
        "pool": pool,
        "canary": CountingCanary(),
        "rounds": lambda speeds: ROUNDS,
        "rng": Random(1),
        "timeout_s": 60.0,
    }
    return Trial(**fixed | changed)


def parts_of(result: TrialResult) -> dict[str, PassSamples]:
    return {part.backend: part for part in result.parts}


def ends_of(result: TrialResult) -> dict[str, Ended]:
    return {part.backend: ended for part, ended in result.ended}


def ends(status: Status, *, alive: bool = True, at: int = 0) -> Callable[[int], Any]:
    """A script that ends the backend's part when it is asked for the ``at``-th time."""
    return lambda number: Ended(status, "as the script says", alive=alive) if number == at else None
