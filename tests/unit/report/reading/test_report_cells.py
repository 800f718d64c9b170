"""Lines of cells.jsonl as the report reads them: the sentence for each breach, and what holds where a key is absent."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from make_run import cell, write_run

from pointwise_bench.report.__main__ import main
from pointwise_bench.report.reading.run import Run, load_run

KEY = "numpy-matmul n1c8h4w4-o8, 2 threads"


def lines_of(tmp_path: Path, **changed: Any) -> Run:
    line = cell("numpy-matmul", "n1c8h4w4-o8", [1e-3] * 5, threads=2) | changed
    return load_run(write_run(tmp_path, [line, cell("other", "n1c8h4w4-o8", [1e-3])]))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"samples_s": [1e-3, 1e-3, 1e-3, "abc", 1e-3]},
            f"line 1 ({KEY}): samples_s[3] is 'abc', not a positive finite number of seconds",
        ),
        (
            {"samples_s": [1e-3, 1e-10]},
            "samples_s[1] is 1e-10 s, which is implausible: a call takes from 1e-09 to 1e+06 s",
        ),
        ({"samples_s": []}, "status is ok, but samples_s has no entry"),
        ({"status": "crashed"}, "status is crashed, but samples_s has 5 entries: only ok has times"),
        ({"status": "fine"}, "status is 'fine', not one of ok, wrong, "),
        ({"process": [0, 0]}, "process has 2 entries, but samples_s has 5: each has one per round"),
        ({"round": [0, 1, 2, 3, 3]}, "round holds 3 twice"),
        ({"threads": True}, "line 1 (numpy-matmul n1c8h4w4-o8): threads is True, not a whole number from 1 to 65,536"),
        ({"backend": ["a"]}, "line 1 (n1c8h4w4-o8, 2 threads): backend is ['a'], not a string"),
        ({"problem": "n1c8"}, "line 1 (numpy-matmul, 2 threads): problem names no problem: id 'n1c8' does not read"),
        ({"problem": f"n1c{2**50}h1w1-o1"}, "which is implausible: a size is over 2**40"),
        ({"problem": f"n1c{2**40}h{2**40}w1-o1"}, "which is implausible: its arrays are over 2**60 bytes"),
        ({"also": [{"count": 0}]}, "also[0].count is 0, not a whole number from 1"),
        ({"group": "x" * 300}, "not a name of 0 to 200 characters (it has 300)"),
        ({"page_faults_per_call": -1}, "page_faults_per_call is -1, not a finite number of at least 0"),
        ({"cache": "warm"}, "cache is 'warm', not one of hot, cold"),
        ({"calls": 0}, "status is ok, but calls is 0, not a whole number of at least 1"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_breach_has_its_sentence(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    run = lines_of(tmp_path, **changed)
    assert [one.backend for one in run.cells] == ["other"]
    (defect,) = run.defects
    assert said in defect


def test_new_keys_are_loaded(tmp_path: Path) -> None:
    run = lines_of(
        tmp_path, round=[4, 2, 7, 0, 1], process=[0, 0, 1, 1, 2], page_faults_per_call=3, cache="cold", calls=7
    )
    first, second = run.cells
    assert run.defects == ()
    assert (first.round.tolist(), first.process.tolist()) == ([4, 2, 7, 0, 1], [0, 0, 1, 1, 2])
    assert (first.page_faults_per_call, first.cache, first.calls) == (3.0, "cold", 7)
    assert (second.round.tolist(), second.process.tolist(), second.cache) == ([0], [0], "hot")
    assert math.isnan(second.page_faults_per_call)


def test_what_only_needs_to_be_there_is_enough(tmp_path: Path) -> None:
    least = {
        "backend": "a",
        "problem": "n1c8h4w4-o8",
        "threads": 1,
        "status": "ok",
        "samples_s": [1, 2e-3],
        "news": [{}],
    }
    run = load_run(write_run(tmp_path, [least]))
    (only,) = run.cells
    assert (only.round.tolist(), only.process.tolist(), only.canary.size) == ([0, 1], [0, 0], 0)
    assert (only.device, only.output, only.isolation, only.calls) == ("cpu", "fresh", "worker", None)


def test_a_later_line_of_the_same_key_counts(tmp_path: Path) -> None:
    lines = [cell("a", "n1c8h4w4-o8", [one]) for one in (1e-3, 2e-3)]
    run = load_run(write_run(tmp_path, lines))
    assert [one.samples.tolist() for one in run.cells] == [[2e-3]]
    assert run.defects == ()


def test_damaged_passes_are_a_note_and_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_run(tmp_path, [], passes=[{"wall_s": 1.0}, {"wall_s": "long"}])
    assert main([str(folder)]) == 0
    said = "run.json: passes[1].wall_s is 'long', not a positive finite number of seconds; all passes are left out"
    assert capsys.readouterr().err == f"note: {folder}: left out: {said}\n"


def test_a_damaged_run_is_passed_over_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = write_run(tmp_path, [], "2026-01-02T03-04-05Z")
    bad = write_run(tmp_path, [], "2026-01-03T03-04-05Z", canary=5)
    assert main(["--results", str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert captured.out == f"{good / 'report' / 'index.html'}\n"
    assert captured.err.startswith(f"note: {bad / 'run.json'}: canary is 5, not an object")


def test_groups_whose_names_look_alike_have_plots_of_their_own(tmp_path: Path) -> None:
    cells = [cell("a", "n1c8h4w4-o8", [1e-3] * 9, group=group) for group in ("a b",)]
    cells += [
        cell("a", "n1c9h4w4-o8", [1e-3] * 9, group="a/b"),
        cell("a", "n1c7h4w4-o8", [1e-3] * 9, group="../../a-b"),
    ]
    assert main([str(write_run(tmp_path, cells)), "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out" / "plots").glob("a-b-*-threads-1.svg"))) == 3
