"""One problem with all its backends: who is let in, whose turn it is, and what a cell keeps. Hosts are scripted."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import pytest

from backends import Problem
from suites.harness.ceilings import Ceilings
from suites.harness.contest import Contest, Contestant
from suites.harness.outcome import Ended, Status
from suites.harness.pool import Station
from suites.harness.record import Cell
from suites.harness.subject import Admission, Conclusion, Turn

PROBLEM = Problem(batch=1, in_channels=64, out_channels=64, height=16, width=16)
CALL_S = 1e-3
ROUNDS = 6


@dataclass
class ScriptedHost:
    """Answers as a well-behaved backend of a millisecond per call would, but for what its ``script`` says."""

    name: str
    events: list[tuple[str, str]]
    script: dict[str, Callable[[int], Any]] = field(default_factory=dict)
    numbers: dict[str, Iterator[int]] = field(default_factory=dict)

    def answer(self, question: str, usual: Any) -> Any:
        """The script's answer to the question's n-th time of asking, or the usual one."""
        self.events.append((question, self.name))
        number = next(self.numbers.setdefault(question, count()))
        scripted = self.script[question](number) if question in self.script else None
        if isinstance(scripted, Exception):
            raise scripted
        return usual if scripted is None else scripted

    def refuses(self, problem: Problem, timeout_s: float) -> str | None:
        """Nothing."""
        return self.answer("refuses", None)

    def examine(self, question: Any, timeout_s: float) -> Admission:
        """A pass."""
        return self.answer("examine", Admission(0.1, 0.01, CALL_S, 0.25))

    def turn(self, calls: int, warm_s: float, timeout_s: float) -> Turn:
        """One round."""
        return self.answer("turn", Turn(CALL_S, calls * CALL_S, calls * CALL_S, None))

    def conclude(self, timeout_s: float) -> Conclusion:
        """Another pass."""
        return self.answer("conclude", Conclusion(0.5, 10**8))


class ScriptedPool:
    """Stations with scripted hosts, of which a dismissed one is replaced like a real one."""

    def __init__(self, **scripts: dict[str, Callable[[int], Any]]) -> None:
        self.events: list[tuple[str, str]] = []
        self.scripts = {name.replace("_", "-"): script for name, script in scripts.items()}
        self.stations: dict[str, Station] = {}

    def station(self, name: str, threads: int) -> Station:
        """As :meth:`suites.harness.pool.Pool.station`."""
        backend: Any = None  # a contest never asks for it
        station = self.stations.setdefault(name, Station(backend, threads))
        if station.host is None:
            station.host = ScriptedHost(name, self.events, self.scripts[name])  # type: ignore[assignment]
            station.starts += 1
        return station

    def dismiss(self, station: Station) -> None:
        """As :meth:`suites.harness.pool.Pool.dismiss`."""
        station.host = None


class Beats:
    """A canary that counts."""

    def __init__(self) -> None:
        self.number = 0

    def beat_s(self) -> float:
        """The number of the beat."""
        self.number += 1
        return float(self.number)


def blank(name: str, problem: Problem = PROBLEM) -> Cell:
    place = {"group": "a group", "name": "a layer", "count": 1}
    return Cell(name, problem.id, 1, **place, device="cpu", output="fresh", isolation="worker", started_at="")  # type: ignore[arg-type]


def contest(pool: ScriptedPool, **changed: Any) -> Contest:
    fixed: dict[str, Any] = {
        "problem": PROBLEM,
        "cells": [blank(name) for name in pool.scripts],
        "pool": pool,
        "canary": Beats(),
        "rounds": lambda speeds: ROUNDS,
        "rng": Random(1),
        "timeout_s": 60.0,
    }
    return Contest(**fixed | changed)


def cells_of(pool: ScriptedPool, **changed: Any) -> dict[str, Cell]:
    return {cell.backend: cell for batch in contest(pool, **changed).run() for cell in batch}


def ends(status: Status, *, alive: bool = True, at: int = 0) -> Callable[[int], Any]:
    """A script that ends the backend's part when it is asked for the ``at``-th time."""
    return lambda number: Ended(status, "as the script says", alive=alive) if number == at else None


# --- rounds -------------------------------------------------------------------------------------------------------


def test_backends_take_their_turns_in_interleaved_rounds() -> None:
    pool = ScriptedPool(a={}, b={}, c={})
    cells_of(pool)
    turns = [name for question, name in pool.events if question == "turn"]
    rounds = [turns[start : start + 3] for start in range(0, len(turns), 3)]
    assert len(rounds) == ROUNDS
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)


def test_everybody_is_examined_before_anybody_is_timed() -> None:
    pool = ScriptedPool(a={}, b={})
    cells_of(pool)
    questions = [question for question, _ in pool.events]
    assert questions.index("turn") > max(place for place, asked in enumerate(questions) if asked == "examine")


def test_the_canary_beats_once_a_round_for_all() -> None:
    cells = cells_of(ScriptedPool(a={}, b={}))
    assert cells["a"].canary_s == cells["b"].canary_s == [float(number) for number in range(1, ROUNDS + 1)]


def test_a_slow_backend_takes_part_in_the_first_rounds_only() -> None:
    pool = ScriptedPool(slow={"examine": lambda number: Admission(0, 0, 1.0, 0.1)}, fast={})
    cells = cells_of(pool, rounds=lambda speeds: 9)
    assert (len(cells["slow"].samples_s), len(cells["fast"].samples_s)) == (5, 9)
    assert cells["slow"].calls == 1
    assert cells["slow"].canary_s == cells["fast"].canary_s[:5]


def test_the_number_of_rounds_comes_from_the_warm_ups_speed() -> None:
    seen: list[dict[str, float]] = []

    def rounds(speeds: dict[str, float]) -> int:
        seen.append(dict(speeds))
        return 5

    cells = cells_of(ScriptedPool(a={}, b={"examine": lambda number: Admission(0, 0, 0.2, 0.1)}), rounds=rounds)
    assert seen == [{"a": CALL_S, "b": 0.2}]
    assert len(cells["a"].samples_s) == 5


# --- ways out -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["refuses", "examine", "turn", "conclude"])
def test_who_ends_at_any_moment_is_out_and_the_others_go_on(moment: str) -> None:
    pool = ScriptedPool(a={moment: ends("wrong")}, b={})
    cells = cells_of(pool)
    assert (cells["a"].status, cells["a"].reason) == ("wrong", "as the script says")
    assert cells["a"].samples_s == cells["a"].canary_s == cells["a"].process == []
    assert cells["b"].status == "ok"
    assert len(cells["b"].samples_s) == ROUNDS


def test_who_dies_in_the_middle_loses_its_samples_and_gets_a_new_host_for_the_next_problem() -> None:
    pool = ScriptedPool(a={"turn": ends("crashed", alive=False, at=3)}, b={})
    assert cells_of(pool)["a"].status == "crashed"
    assert pool.stations["a"].host is None
    assert pool.stations["b"].host is not None
    pool.scripts["a"] = {}
    cells = cells_of(pool)
    assert set(cells["a"].process) == {1}
    assert set(cells["b"].process) == {0}


def test_a_refusal_is_unsupported_with_its_reason() -> None:
    cells = cells_of(ScriptedPool(a={"refuses": lambda number: "has no groups"}, b={}))
    assert (cells["a"].status, cells["a"].reason) == ("unsupported", "has no groups")


def test_what_the_gate_cannot_judge_is_not_timed() -> None:
    problem = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, activation="relu",
                      direction="backward-input")  # fmt: skip
    pool = ScriptedPool(a={})
    cells = cells_of(pool, problem=problem, cells=[blank("a", problem)])
    assert cells["a"].status == "unsupported"
    assert "backward-input through relu" in cells["a"].reason
    assert "examine" not in [question for question, _ in pool.events]


def test_what_is_missing_makes_it_unavailable() -> None:
    pool = ScriptedPool(a={}, b={})
    pool.station("a", 1).missing = "no such device"
    cells = cells_of(pool)
    assert (cells["a"].status, cells["a"].reason) == ("unavailable", "no such device")
    assert cells["b"].status == "ok"


def test_every_backend_gets_exactly_one_cell() -> None:
    pool = ScriptedPool(a={"refuses": ends("failed")}, b={"examine": ends("wrong")}, c={"turn": ends("failed")}, d={})
    names = [cell.backend for batch in contest(pool).run() for cell in batch]
    assert sorted(names) == ["a", "b", "c", "d"]


def test_a_time_out_is_for_all_questions_together() -> None:
    """A backend cannot stretch it by being slow in many small steps."""
    seen: list[float] = []
    host: Any = object()
    backend: Any = None
    contestant = Contestant(Station(backend, 1, host), blank("a"), patience_s=0.05)

    def question(host: Any, patience_s: float) -> None:
        seen.append(patience_s)
        time.sleep(0.03)

    for _ in range(3):
        contestant.ask(question)
    assert seen[0] == 0.05
    assert 0 < seen[1] <= 0.02
    assert seen[2] == 0.001


def test_who_hangs_on_one_problem_after_another_is_not_tried_for_ever() -> None:
    pool = ScriptedPool(a={"examine": lambda number: Ended("timed-out", "no answer", alive=False)}, b={})
    cells = [cells_of(pool)["a"] for _ in range(5)]
    assert {cell.status for cell in cells} == {"timed-out"}
    assert ["not tried" in cell.reason for cell in cells] == [False, False, False, True, True]


# --- after the clock ----------------------------------------------------------------------------------------------


def test_more_processor_time_than_the_budget_voids_the_times() -> None:
    greedy = {"turn": lambda number: Turn(CALL_S, 1.95, 1.0, None)}
    within = {"turn": lambda number: Turn(CALL_S, 1.05, 1.0, None)}
    cells = cells_of(ScriptedPool(greedy=greedy, within=within))
    assert cells["greedy"].status == "failed"
    assert "used 1.95 CPU seconds per second on a budget of 1 thread:" in cells["greedy"].reason
    assert cells["greedy"].samples_s == []
    assert cells["within"].status == "ok"
    assert cells["within"].cpu_over_wall == pytest.approx(1.05)


def test_a_time_below_what_the_machine_can_do_is_wrong() -> None:
    least_s = PROBLEM.flops / 1e12
    ceilings = Ceilings("before", 1, {"float32": 1e12, "float64": 5e11}, 1e10, [])
    replay = {"turn": lambda number: Turn(least_s / 100, 1.0, 1.0, None)}
    fast = {"turn": lambda number: Turn(least_s / 2, 1.0, 1.0, None)}  # the peak itself may be off by as much
    cells = cells_of(ScriptedPool(replay=replay, fast=fast), ceilings=ceilings)
    assert cells["replay"].status == "wrong"
    assert cells["replay"].reason.startswith("impossibly fast")
    assert cells["fast"].status == "ok"


def test_the_devices_series_is_kept_beside_the_hosts() -> None:
    cells = cells_of(ScriptedPool(a={"turn": lambda number: Turn(2e-3, 1.0, 1.0, 1e-3)}, b={}))
    assert cells["a"].device_samples_s == [1e-3] * ROUNDS
    assert cells["a"].samples_s == [2e-3] * ROUNDS
    assert cells["b"].device_samples_s == []


def test_samples_keep_the_digits_that_the_clock_has() -> None:
    cells = cells_of(ScriptedPool(a={"turn": lambda number: Turn(1.23456789012e-4, 1.0, 1.0, None)}))
    assert cells["a"].samples_s[0] == pytest.approx(1.23456789012e-4, rel=1e-6)


def test_a_cell_holds_what_was_learned_on_the_way() -> None:
    cell = cells_of(ScriptedPool(a={}))["a"]
    assert (cell.prepare_s, cell.first_call_s, cell.error_ratio, cell.peak_rss_bytes) == (0.1, 0.01, 0.5, 10**8)
    assert cell.calls == 15
    assert cell.process == [0] * ROUNDS


def test_timed_cells_are_handed_on_together() -> None:
    """Ctrl-C between two would leave one on disk, and --resume time the other alone.

    Their rounds would look like the same stretches of time, and not be.
    """
    pool = ScriptedPool(a={"refuses": ends("failed")}, b={"examine": ends("wrong")}, c={}, d={}, e={})
    batches = [sorted(cell.backend for cell in batch) for batch in contest(pool).run()]
    assert batches == [["a"], ["b"], ["c", "d", "e"]]
