"""A run that is killed without warning, again and again, and resumed until it is finished: nothing is lost or doubled.

The moments are spread over the whole of a run, from the reading of its options to the writing of ``run.json``. Twenty
kills of runs of five problems with POINTWISE_SOAK=1, else four of runs of three.
"""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from forked_session import ForkedProcess
from other_runs import key, wait_for, workers_of
from soak import SOAK
from suite_command import CHEAP, begun_suite, only_run, read_cells, read_run

from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.suites.harness.design.policy import POLICY

REPETITIONS = 10 if SOAK else 2
KILLS = 2  # in each repetition; the second one meets a resumed run
PROBLEMS = [f"n{batch}c8h4w4-o8" for batch in range(1, 6 if SOAK else 4)]
BACKENDS = (CHEAP, "naive-loops")
ARGUMENTS = [
    *("-p", "brief_rounds"),
    *(f"--backend={name}" for name in BACKENDS),
    *(f"--shapes={problem}" for problem in PROBLEMS),
]
KEYS = sorted((name, problem, 1) for name in BACKENDS for problem in PROBLEMS)

Entry = dict[str, Any]
Begun = ForkedProcess | subprocess.Popen[str]


@dataclass
class OnDisk:
    """What a killed run has left: whole lines only."""

    cells: bytes = b""
    parts: bytes = b""

    @classmethod
    def of(cls, results: Path) -> OnDisk:
        """Of the one run under ``results``, if it got as far."""
        folders = [path.parent for path in results.glob("*/*/run.json")]
        return (
            cls(*(_whole_lines(folders[0] / name) for name in ("cells.jsonl", "checkpoint.jsonl")))
            if folders
            else cls()
        )

    @property
    def trials(self) -> list[Entry]:
        """Problems and passes with their parts."""
        return [json.loads(line) for line in self.parts.splitlines()]


def _whole_lines(path: Path) -> bytes:
    written = path.read_bytes() if path.exists() else b""
    return written[: written.rfind(b"\n") + 1]


def start(results: Path) -> Begun:
    """The run, or what is left of it. Killed before there was a ``run.json``, it has nothing to resume."""
    begun = list(results.glob("*/*/run.json"))
    return begun_suite(results, *ARGUMENTS, *(["--resume"] if begun else []))


def finish(process: Begun) -> None:
    """Let it run to its end, which must be without an error."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output[-3000:]
    outcomes = {word: int(count) for count, word in re.findall(r"(\d+) (passed|xfailed)", output)}
    assert sum(outcomes.values()) == len(KEYS), output[-3000:]
    # On a busy machine turns this short may fail the checks of a trial. What is tested here holds for such cells, too.
    assert outcomes["passed"] >= len(KEYS) / 2, output[-3000:]


def kill(process: Begun, after_s: float) -> bool:
    """Whether it was killed before its end. Its workers, which are sessions of their own, must follow."""
    try:
        process.communicate(timeout=after_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    wait_for(lambda: not workers_of(process.pid), seconds=30)
    return process.returncode == -signal.SIGKILL


def is_finished(results: Path) -> bool:
    return any(json.loads(path.read_text())["finished_at"] for path in results.glob("*/*/run.json"))


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, list[Any]]:
    """Seconds of a run that is not killed, and the keys of its cells."""
    results = tmp_path_factory.mktemp("unbroken") / "results"
    began = time.monotonic()
    finish(start(results))
    return time.monotonic() - began, sorted(key(cell) for cell in read_cells(results))


def moments() -> Iterator[tuple[int, list[float]]]:
    """For each repetition when to kill, as fractions of an unbroken run: the first ones evenly spread, jittered."""
    for repetition in range(REPETITIONS):
        generator = random.Random(repetition)
        yield (
            repetition,
            [(repetition + generator.random()) / REPETITIONS, *(generator.random() for _ in range(KILLS - 1))],
        )


@pytest.mark.parametrize(
    ("repetition", "fractions"), list(moments()), ids=lambda value: str(value) if value is int else ""
)
def test_a_killed_run_is_resumed_to_the_same_end(
    repetition: int, fractions: list[float], unbroken: tuple[float, list[Any]], tmp_path: Path
) -> None:
    whole_s, expected = unbroken
    assert expected == KEYS
    results = tmp_path / "results"
    left: list[OnDisk] = []
    for fraction in fractions:
        if is_finished(results):
            break
        killed = kill(start(results), fraction * whole_s)
        left.append(OnDisk.of(results))
        print(f"repetition {repetition}: at {fraction:.2f} {'killed' if killed else 'over'}, {_summary(left[-1])}")
    if not is_finished(results):
        process = start(results)
        finish(process)
        wait_for(lambda: not workers_of(process.pid), seconds=30)
    _check_end(results, left)


def _summary(left: OnDisk) -> str:
    return f"{left.cells.count(10)} cells and {left.parts.count(10)} trials on disk"


def _check_end(results: Path, left: list[OnDisk]) -> None:
    run, cells = read_run(results), {key(cell): cell for cell in read_cells(results)}
    on_disk = (only_run(results) / "cells.jsonl").read_bytes()
    assert run["finished_at"]
    assert sorted(key(cell) for cell in read_cells(results)) == KEYS  # each once
    timed = {name: cell for name, cell in cells.items() if cell["status"] == "ok"}
    for each in left:
        assert on_disk.startswith(each.cells)
        for trial in each.trials:
            for part in trial["parts"]:
                cell = timed.get((part["backend"], trial["problem"], trial["threads"]))
                assert cell is None or _samples_of_pass(cell, trial["pass"]) == part["samples_s"]
    for cell in timed.values():
        _check_passes(cell)
    for problem in PROBLEMS:
        if not all((name, problem, 1) in timed for name in BACKENDS):
            continue
        first, second = (cells[name, problem, 1] for name in BACKENDS)
        # Backends of one problem are compared, so they ran in the same rounds.
        assert (
            dict(zip(first["round"], first["canary_s"], strict=True)).items()
            >= dict(zip(second["round"], second["canary_s"], strict=True)).items()
        )


def _samples_of_pass(cell: Entry, number: int) -> list[float]:
    named = zip(cell["round"], cell["samples_s"], strict=True)
    return [sample for name, sample in named if name // ROUNDS_APART == number]


def _check_passes(cell: Entry) -> None:
    """Every planned pass, once, and each in another process."""
    starts: dict[int, set[int]] = {}
    for name, process in zip(cell["round"], cell["process"], strict=True):
        starts.setdefault(name // ROUNDS_APART, set()).add(process)
    assert sorted(starts) == list(range(POLICY.rounds.passes))
    assert len(cell["round"]) == len(set(cell["round"]))
    assert all(len(processes) == 1 for processes in starts.values())
    assert len(set.union(*starts.values())) == POLICY.rounds.passes
