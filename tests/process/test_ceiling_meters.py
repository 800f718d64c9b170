"""The processes that read the ceilings, with a program in their place that answers as it is told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, cast

import psutil
import pytest
from many_descriptors import numbered_high

from pointwise_bench.suites.harness.machine import ceiling_meters
from pointwise_bench.suites.harness.machine.ceiling_meters import CeilingMeters

# In the place of the real one: it is told a thread budget and its parent, says that it is ready, and answers.
WELL = """
import json, sys
print("{}", flush=True)
for number, line in enumerate(sys.stdin):
    print(json.dumps({"phase": line.strip(), "threads": int(sys.argv[1]), "reading": number}), flush=True)
"""
DIES = "print('{}', flush=True)"
CLOSES = "import os\nos.close(0)\nprint('{}', flush=True)"  # nobody reads what it is asked, which is noticed in writing
NEVER_READY = "import time; time.sleep(1000)"
GARBLES = "import sys\nprint('{}', flush=True)\nfor line in sys.stdin: print('no JSON', flush=True)"

real_popen = subprocess.Popen


@pytest.fixture
def meters(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., CeilingMeters]]:
    """Meters whose processes run ``programs``, by thread budget; what they announce is in ``announced``."""
    made: list[CeilingMeters] = []

    def make(programs: dict[int, str], announced: list[str]) -> CeilingMeters:
        def popen(command: list[str], **keywords: Any) -> subprocess.Popen[str]:
            assert command[1:3] == ["-m", "pointwise_bench.suites.harness.machine.ceilings"]
            return real_popen([sys.executable, "-c", programs[int(command[3])], *command[3:]], **keywords)

        monkeypatch.setattr(subprocess, "Popen", popen)
        made.append(CeilingMeters(list(programs), announced.append))
        return made[-1]

    yield make
    for each in made:
        each.close()


def processes_of(meters: CeilingMeters) -> list[int]:
    return [process.pid for process in meters._processes.values()]


def test_every_budget_is_read_by_a_process_that_lives_on(meters: Callable[..., CeilingMeters]) -> None:
    announced: list[str] = []
    made = meters({1: WELL, 2: WELL}, announced)
    first = made.read("before")
    assert first == [{"phase": "before", "threads": threads, "reading": 0} for threads in (1, 2)]
    pids = processes_of(made)
    assert [each["reading"] for each in made.read("after")] == [1, 1]
    assert processes_of(made) == pids
    assert announced == []


def test_they_compile_while_something_else_is_done(meters: Callable[..., CeilingMeters]) -> None:
    made = meters({1: WELL, 2: WELL}, [])
    made.begin()
    pids = processes_of(made)
    assert len(pids) == 2
    assert [each["reading"] for each in made.read("before")] == [0, 0]
    assert processes_of(made) == pids


def test_one_that_could_not_begin_is_started_at_its_reading(
    meters: Callable[..., CeilingMeters], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = meters({1: WELL}, [])
    popen = subprocess.Popen

    def none_left(*arguments: object, **keywords: object) -> None:
        raise OSError("no process left")

    monkeypatch.setattr(subprocess, "Popen", none_left)
    made.begin()
    monkeypatch.setattr(subprocess, "Popen", popen)
    assert [each["reading"] for each in made.read("before")] == [0]


def test_its_cost_is_the_readings_and_not_the_start(
    meters: Callable[..., CeilingMeters], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that goes on by a second whenever it is read: two readings of two budgets are two seconds."""
    made = meters({1: WELL, 2: WELL}, [])
    ticks = iter(range(100))
    monkeypatch.setattr("pointwise_bench.suites.harness.machine.ceiling_meters.time.monotonic", lambda: next(ticks))
    made.read("before")
    assert made.cost_s == 2.0
    made.read("during")
    assert made.cost_s == 2.0  # of the last reading


@pytest.mark.parametrize(
    ("program", "words"),
    [
        (DIES, "the process ended"),
        (CLOSES, "the process ended"),
        (GARBLES, "Expecting value"),
        (NEVER_READY, "no answer within 0.2 s"),
    ],
)
def test_a_failure_costs_its_own_budget_and_is_announced(
    meters: Callable[..., CeilingMeters], monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    if program is NEVER_READY:
        monkeypatch.setattr(ceiling_meters, "PATIENCE_S", 0.2)
    announced: list[str] = []
    made = meters({1: program} if program is NEVER_READY else {1: program, 2: WELL}, announced)
    found = made.read("before")
    assert [each["threads"] for each in found] == ([] if program is NEVER_READY else [2])
    (warning,) = announced
    assert warning.startswith("warning: the ceilings for 1 threads could not be measured: ")
    assert words in warning


def test_a_process_that_failed_is_started_anew_at_the_next_reading(meters: Callable[..., CeilingMeters]) -> None:
    programs = {1: DIES}
    made = meters(programs, [])
    assert made.read("before") == []
    assert processes_of(made) == []
    programs[1] = WELL
    assert [each["phase"] for each in made.read("after")] == ["after"]


def test_a_program_that_cannot_be_started_is_announced_too(
    meters: Callable[..., CeilingMeters], monkeypatch: pytest.MonkeyPatch
) -> None:
    announced: list[str] = []
    made = meters({1: WELL}, announced)

    def none_left(*arguments: object, **keywords: object) -> None:
        raise OSError("no process left")

    monkeypatch.setattr(subprocess, "Popen", none_left)
    assert made.read("before") == []
    assert "no process left" in announced[0]


def test_closing_ends_every_process(meters: Callable[..., CeilingMeters]) -> None:
    made = meters({1: WELL, 2: WELL}, [])
    made.read("before")
    pids = processes_of(made)
    made.close()
    made.close()
    assert not any(map(psutil.pid_exists, pids))


def test_an_answer_is_awaited_where_a_thousand_descriptors_are_open() -> None:
    reading, writing = os.pipe()
    os.write(writing, b'{"threads": 1}\n')
    with numbered_high(reading) as number, os.fdopen(number, closefd=False) as stdout:
        process = cast("subprocess.Popen[str]", SimpleNamespace(stdout=stdout))
        assert ceiling_meters._answer(process) == {"threads": 1}
    os.close(reading)
    os.close(writing)
