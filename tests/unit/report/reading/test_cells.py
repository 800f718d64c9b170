"""Cells as read from cells.jsonl: what holds where a key is absent, and which line counts."""

from __future__ import annotations

import json
import math
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from make_run import cell, run_of

from pointwise_bench.common import at_once
from pointwise_bench.report.reading import cells
from pointwise_bench.report.reading.cells import ReadCell, ReadPlace, read_cells
from pointwise_bench.report.reading.run import Run

PROBLEM = "n1c8h4w4-o8"


def loaded(tmp_path: Path, **changed: Any) -> Run:
    """A run of two lines, of which the first has other values."""
    line = cell("numpy-matmul", PROBLEM, [1e-3] * 5, threads=2) | changed
    return run_of(tmp_path, [line, cell("other", PROBLEM, [1e-3])])


def only(tmp_path: Path, **changed: Any) -> ReadCell:
    """The cell of a run with one line."""
    (found,) = run_of(tmp_path, [cell("a", PROBLEM, [1e-3] * 5) | changed]).cells
    return found


def test_new_keys_are_loaded(tmp_path: Path) -> None:
    run = loaded(
        tmp_path, round=[4, 2, 7, 0, 1], process=[0, 0, 1, 1, 2], page_faults_per_call=3, cache="cold", calls=7
    )
    first, second = run.cells
    assert run.defects == ()
    assert (first.round.tolist(), first.process.tolist()) == ([4, 2, 7, 0, 1], [0, 0, 1, 1, 2])
    assert (first.page_faults_per_call, first.cache, first.calls) == (3.0, "cold", 7)
    assert (second.round.tolist(), second.process.tolist(), second.cache) == ([0], [0], "hot")
    assert math.isnan(second.page_faults_per_call)


def test_cells_of_the_same_rounds_share_what_says_so_and_nobody_may_write_to_it(tmp_path: Path) -> None:
    rounds = {"round": [4, 2, 7], "process": [0, 0, 1], "canary_s": [1e-3, 2e-3, 1e-3]}
    lines = [cell(backend, PROBLEM, [1e-3, 2e-3, 3e-3]) | rounds for backend in ("a", "b")]
    first, second = run_of(tmp_path, [*lines, cell("c", PROBLEM, [1e-3] * 3) | rounds | {"round": [4, 2, 8]}]).cells[:2]
    assert first.round is second.round
    assert first.process is second.process
    assert first.canary is second.canary
    assert (first.canary.dtype.name, first.round.dtype.name) == ("float64", "int64")
    with pytest.raises(ValueError, match="read-only"):
        first.round[0] = 1


def test_what_only_needs_to_be_there_is_enough(tmp_path: Path) -> None:
    least = {"backend": "a", "problem": PROBLEM, "threads": 1, "status": "ok", "samples_s": [1, 2e-3], "news": [{}]}
    (found,) = run_of(tmp_path, [least]).cells
    assert (found.round.tolist(), found.process.tolist(), found.canary.size) == ([0, 1], [0, 0], 0)
    assert (found.device, found.output, found.isolation, found.calls) == ("cpu", "fresh", "worker", None)
    assert found.places == (ReadPlace("", "", 1),)


def test_a_later_line_of_the_same_key_counts(tmp_path: Path) -> None:
    run = run_of(tmp_path, [cell("a", PROBLEM, [one]) for one in (1e-3, 2e-3)])
    assert [one.samples.tolist() for one in run.cells] == [[2e-3]]
    assert run.defects == ()


def test_another_backend_problem_or_thread_budget_is_another_cell(tmp_path: Path) -> None:
    lines = [cell("a", PROBLEM, [1.0]), cell("b", PROBLEM, [1.0]), cell("a", "n2c8h4w4-o8", [1.0])]
    assert len(run_of(tmp_path, [*lines, cell("a", PROBLEM, [1.0], threads=2)]).cells) == 4


def test_every_key_of_a_line_is_in_its_cell(tmp_path: Path) -> None:
    found = only(
        tmp_path,
        device="cuda",
        device_samples_s=[5e-4] * 5,
        canary_s=[2e-3] * 5,
        reason="slow <b>",
        output="reused",
        error_ratio=0.5,
        prepare_s=1.5,
        first_call_s=2.5,
        cpu_over_wall=0.75,
        peak_rss_bytes=123,
        isolation="in-process",
        arithmetic="tf32",
    )
    assert (found.backend, found.problem.id, found.threads, found.status) == ("a", PROBLEM, 1, "ok")
    assert (found.device, found.device_samples.tolist(), found.canary.tolist()) == ("cuda", [5e-4] * 5, [2e-3] * 5)
    assert (found.reason, found.output, found.isolation, found.arithmetic) == (
        "slow <b>",
        "reused",
        "in-process",
        "tf32",
    )
    assert (found.error_ratio, found.prepare_s, found.first_call_s) == (0.5, 1.5, 2.5)
    assert (found.cpu_over_wall, found.peak_rss_bytes) == (0.75, 123)


def test_a_place_that_is_said_twice_counts_once(tmp_path: Path) -> None:
    late = {"group": "net", "name": "late", "count": 3}
    found = only(
        tmp_path, group="net", name="early", count=2, also=[late, late, {"group": "net", "name": "early", "count": 2}]
    )
    assert found.places == (ReadPlace("net", "early", 2), ReadPlace("net", "late", 3))


@pytest.mark.parametrize(
    ("changed", "timed", "alone", "comparable"),
    [
        ({}, True, True, True),
        ({"isolation": "in-process"}, True, False, False),
        ({"arithmetic": "tf32"}, True, True, False),
        ({"status": "wrong", "samples_s": [], "process": [], "round": [], "canary_s": []}, False, True, False),
    ],
)
def test_what_was_timed_and_what_may_be_set_against_others(
    tmp_path: Path, changed: dict[str, Any], timed: bool, alone: bool, comparable: bool
) -> None:
    found = only(tmp_path, **changed)
    assert (found.timed, found.alone, found.comparable_to_others) == (timed, alone, comparable)


def test_a_line_that_holds_no_cell_is_named_with_as_much_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "cells.jsonl"
    good = json.dumps(cell("a", PROBLEM, [1.0]))
    bad = json.dumps(cell("b", PROBLEM, [1.0], threads=0))
    path.write_text(f"{good}\n\n{bad}\n[]\n{good[:20]}", encoding="utf-8")
    found, defects = read_cells(path)
    assert [one.backend for one in found] == ["a"]
    assert [one.partition(": ")[0] for one in defects] == [f"line 3 (b {PROBLEM})", "line 4", "line 5"]


def test_many_lines_are_read_by_several_processes_as_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order, the later line of a cell in the place of the earlier one, with the numbers of damaged lines."""
    lines = [json.dumps(cell(f"b{number % 60}", PROBLEM, [1.0 + number, 2.0])) for number in range(70)]
    lines[20], lines[65] = "[]", lines[65][:30]
    path = tmp_path / "cells.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    alone, defects = read_cells(path)
    started: list[int] = []
    fork = os.fork

    def counted() -> int:
        started.append(os.getpid())
        return fork()

    monkeypatch.setattr(cells, "_WORTH_SHARING", 1)
    monkeypatch.setattr(at_once, "available_cores", lambda: 3)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(os, "fork", counted)
    shared, same_defects = read_cells(path)
    assert started == [os.getpid()] * 2
    assert [one.backend for one in shared] == [one.backend for one in alone]
    assert [one.samples.tolist() for one in shared] == [one.samples.tolist() for one in alone]
    assert shared[0].samples.tolist() == [61.0, 2.0]
    assert [one.problem for one in shared] == [one.problem for one in alone]
    assert same_defects == defects
    assert [one.partition(": ")[0] for one in defects] == ["line 21", "line 66"]


def test_no_file_is_no_cell(tmp_path: Path) -> None:
    assert read_cells(tmp_path / "cells.jsonl") == ((), [])
