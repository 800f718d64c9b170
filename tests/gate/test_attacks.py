"""Plugins that try to get a time that they did not earn: none is timed, and the honest control is."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path
from secrets import randbits

import pytest
from places import ATTACKS

from pointwise_bench import Problem
from pointwise_bench.backends import Source
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

PATIENCE_S = 60.0
FILES = {path.stem: path for path in ATTACKS.glob("*.py") if "@register" in path.read_text()}
LARGE = Problem(batch=1, in_channels=256, out_channels=128, height=28, width=28, bias=True, activation="relu")

# Who would have to compute as much as the control, and so may be timed, and at what share of its time without that.
GAINLESS = {"remembers": 0.4, "streak": 0.12}
REASONS = {
    "answer_sheet": "wrong on small integers: the result is all zeros",
    "foreseen": "wrong on small integers: the result is all zeros",
    "skips_when_timed": "wrong in the last timed call",
    "lazy": "works in to_numpy",
    "partly_lazy": "works in to_numpy",
    "ring": 'declares output "fresh", but a later call overwrites its result',
}


def started(attack: str, folder: Path) -> WorkerClient:
    source = FILES[attack]
    (name,) = re.findall(r'^    name = "(.*)"$', source.read_text(), re.MULTILINE)
    return WorkerClient(name, Source("plugin", str(source)), threads=1, log=folder / attack)


def end_of(attack: str, problem: Problem, folder: Path) -> Ended | None:
    """How the part of the attack ends after set-up, warm-up, turns and the last checks; None where it is timed."""
    worker = started(attack, folder)
    shared = SharedCases(problem, CaseSet.of(problem, randbits(64)))
    try:
        worker.set_up(shared, PATIENCE_S)
        worker.warm_up(PATIENCE_S)
        for _ in range(3):  # long enough for every attack that waits for a turn, on a slow machine, too
            worker.turn(25, 0.001, None, PATIENCE_S)
        worker.check_answers(PATIENCE_S)
        worker.finish(PATIENCE_S)
    except Ended as ended:
        return ended
    else:
        return None
    finally:
        shared.close()
        worker.kill()


@pytest.mark.alone  # it is judged by time as well
@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_the_control_is_timed(layout: str, tmp_path: Path) -> None:
    problem = Problem.parse(LARGE.id + ("-nhwc" if layout == "nhwc" else ""))
    assert end_of("control", problem, tmp_path) is None


@pytest.mark.parametrize("attack", REASONS)
def test_an_attack_is_refused_for_the_right_reason(attack: str, tmp_path: Path) -> None:
    """In one of two parts: rows that are looked at are drawn, and all may be among those that were computed."""
    ended = end_of(attack, LARGE, tmp_path) or end_of(attack, LARGE, tmp_path)
    assert ended is not None, f"{attack} was timed"
    assert ended.status == "wrong", ended
    assert re.search(REASONS[attack], ended.reason), ended.reason


@pytest.mark.alone  # their times are compared
@pytest.mark.parametrize("attack", GAINLESS)
def test_an_attack_that_is_timed_gains_nothing(attack: str, tmp_path: Path) -> None:
    """Turns of both in the same rounds."""
    shared = SharedCases(LARGE, CaseSet.of(LARGE, randbits(64)))
    workers = [started(each, tmp_path) for each in ("control", attack)]
    try:
        for worker in workers:
            worker.set_up(shared, PATIENCE_S)
            worker.warm_up(PATIENCE_S)
        rounds = [[worker.turn(40, 0.001, None, PATIENCE_S).seconds_per_call for worker in workers] for _ in range(15)]
        for worker in workers:
            worker.check_answers(PATIENCE_S)
    finally:
        shared.close()
        for worker in workers:
            worker.kill()
    assert statistics.median(its / control for control, its in rounds) > 0.9


def test_every_attack_has_its_reason_and_says_what_it_tries() -> None:
    assert FILES.keys() == {*REASONS, *GAINLESS, "control"}
    for path in FILES.values():
        sentence = ast.get_docstring(ast.parse(path.read_text()))
        assert sentence is not None
        assert len(sentence.split()) > 5
