"""A run read from disk: what holds where a key is absent, and which line counts."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from make_run import cell, write_run

from pointwise_bench.report.reading.run import Run, load_run


def loaded(tmp_path: Path, **changed: Any) -> Run:
    line = cell("numpy-matmul", "n1c8h4w4-o8", [1e-3] * 5, threads=2) | changed
    return load_run(write_run(tmp_path, [line, cell("other", "n1c8h4w4-o8", [1e-3])]))


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
