"""Resident memory of the harness itself over a long run: two backends on thousands of problems, all passes.

    python docs/experiments/memory.py [CELLS] [RESULTS]

Everything is real but what costs time and belongs to other processes: workers, ceilings and the canary are scripted.
Prints a line per thousand cells of every pass, and at last one line of JSON with MiB at the start and at the end. The
start is after a first small run, when all modules are imported.
"""

from __future__ import annotations

import gc
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psutil

from pointwise_bench.backends import Problem, registry
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.session import Session
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judge import Finish, SetUp
from pointwise_bench.suites.harness.timing.timed_layer import WarmUp
from pointwise_bench.suites.harness.timing.timed_sequence import SequenceSamples
from pointwise_bench.suites.harness.worker.pool import WorkerSlot

SECONDS_PER_CALL = {"numpy-matmul": 1e-4, "naive-loops": 2e-4}
FIRST_CELLS = 40
MEBIBYTE = 2**20


class ScriptedClient:
    """Answers at once, with times that scatter as real ones do."""

    def __init__(self, name: str) -> None:
        self._seconds = SECONDS_PER_CALL[name]

    def refuses(self, problem: Problem, timeout_s: float) -> None:
        """Nothing."""

    def set_up(self, cases: Any, timeout_s: float, *, whole: bool = True) -> SetUp:
        """A pass."""
        return SetUp(0.1, 0.01, 0.25)

    def warm_up(self, timeout_s: float) -> WarmUp:
        """At full speed."""
        return WarmUp(self._seconds, 1.0)

    def turn(self, calls: int, warm_s: float, cores: list[int] | None, timeout_s: float) -> Turn:
        """One round."""
        seconds = self._seconds * random.uniform(1.0, 1.1)  # noqa: S311  # scatters times, keeps no secret
        return Turn(seconds, 1.0, calls * seconds, None, 3)

    isolation = "worker"

    def idle(self, settled_s: float, timeout_s: float) -> float:
        """At rest."""
        return 0.0

    def check_answers(self, timeout_s: float, *, thorough: bool = False) -> None:
        """A second pass."""

    def finish(self, timeout_s: float) -> Finish:
        """Another pass."""
        return Finish(0.5, 10**8)

    def time_sequence(self, *arguments: Any) -> SequenceSamples:
        """No passes."""
        return SequenceSamples("it is made up")


class ScriptedPool:
    """As :class:`pointwise_bench.suites.harness.worker.pool.Pool`, without a process."""

    at_once = 1

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        self._slots: dict[str, WorkerSlot] = {}

    def start(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], float]:
        """Nothing."""
        return {}

    def add_control(self, key: tuple[str, int], original: str, percent: float) -> None:
        """Nothing: no run here has a time budget."""

    def missing(self, key: tuple[str, int]) -> None:
        """Nothing."""

    def problems(self, key: tuple[str, int]) -> int:
        """As many as its client has been through."""
        slot = self._slots.get(key[0])
        return 0 if slot is None or slot.client is None else slot.problems

    def slot(self, name: str, threads: int) -> WorkerSlot:
        """The slot with its client."""
        slot = self._slots.setdefault(name, WorkerSlot(registry.get(name), threads))
        if slot.client is None:
            client: Any = ScriptedClient(name)
            slot.client = client
            slot.starts += 1
        return slot

    def dismiss(self, slot: WorkerSlot) -> None:
        """A new client for the next problem."""
        slot.client = None

    def restart(self) -> None:
        """New clients."""
        for slot in self._slots.values():
            self.dismiss(slot)

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
    """Beats in no time."""

    baseline_s = 5e-4

    def __init__(self, threads: int = 1) -> None:
        """As many threads as it is asked for take no time either."""

    def work_s(self, threads: int, cores: list[int] | None = None) -> float:
        """Its time, scattered."""
        return self.baseline_s * random.uniform(1.0, 1.1)  # noqa: S311  # as above


def resident_mib() -> float:
    """Resident memory of this process, its garbage collected."""
    gc.collect()
    return psutil.Process().memory_info().rss / MEBIBYTE


def run(cells: int, results: Path, report: bool) -> None:
    """A whole run over ``cells`` cells, each asked for as the timed tests do."""
    seen = 0

    def announce(line: str) -> None:
        nonlocal seen
        seen += line.startswith("[")
        if report and line.startswith("[") and seen % 500 == 0:
            print(f"{line.partition(']')[0]}]: {resident_mib():.1f} MiB", flush=True)

    session = Session(Options(results=results, seed=1), announce)
    problems = [
        Problem(batch=1, in_channels=1 + number % 100, out_channels=1 + number // 100, height=2, width=2)
        for number in range(cells // len(SECONDS_PER_CALL))
    ]
    for problem in problems:
        for name in SECONDS_PER_CALL:
            session.plan(problem, 1, name, Place("memory", problem.id))
    for problem in problems:
        for name in SECONDS_PER_CALL:
            cell = session.cell(problem, 1, name)
            assert cell.status == "ok", cell.reason
    session.finish()


def play_scripted() -> None:
    """Let runs of this process use the scripted parts."""
    from pointwise_bench.suites.harness.run import passes, session

    for module, name, part in (
        (passes, "Pool", ScriptedPool),
        (session, "CeilingMeters", ScriptedMeters),
        (session, "Canary", ScriptedCanary),
    ):
        lacking = {each for each in dir(getattr(module, name)) if not each.startswith("_")} - {*dir(part)}
        assert not lacking, f"{part.__name__} lacks what {name} has by now: {', '.join(sorted(lacking))}"
        setattr(module, name, part)


def main(cells: int, results: Path) -> None:
    """Measure and print."""
    play_scripted()
    run(FIRST_CELLS, results, report=False)
    began, start = time.monotonic(), resident_mib()
    run(cells, results, report=True)
    end = resident_mib()
    found = {"cells": cells, "start_mib": start, "end_mib": end, "growth_mib": end - start}
    print(json.dumps({name: round(value, 2) for name, value in found.items()} | {"s": round(time.monotonic() - began)}))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000, Path(sys.argv[2] if len(sys.argv) > 2 else folder))
