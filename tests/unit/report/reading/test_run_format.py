"""Lines of cells.jsonl and keys of run.json: the sentence for each breach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, write_run

from pointwise_bench.report.reading.run import Run, load_run

KEY = "numpy-matmul n1c8h4w4-o8, 2 threads"


def loaded(tmp_path: Path, **changed: Any) -> Run:
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
    run = loaded(tmp_path, **changed)
    assert [one.backend for one in run.cells] == ["other"]
    (defect,) = run.defects
    assert said in defect
