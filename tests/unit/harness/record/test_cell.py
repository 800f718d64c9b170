"""A cell: what identifies it, what its end leaves of it, and how long its calls took."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from pointwise_bench.suites.harness.record.cell import Cell, Place

MEASURED = Cell(
    backend="numpy-matmul",
    problem="n1c8h4w4-o8",
    threads=2,
    group="basics",
    name="a layer",
    count=1,
    device="cpu",
    output="fresh",
    isolation="worker",
    started_at="2026-01-02T03:04:05Z",
    samples_s=[1e-6, 2e-6],
    round=[0, 1],
    calls=10,
    device_samples_s=[1e-6, 1e-6],
    process=[0, 0],
    canary_s=[5e-4, 5e-4],
    error_ratio=2.0,
    prepare_s=0.1,
    first_call_s=0.2,
    cpu_over_wall=1.0,
    page_faults_per_call=2.0,
    peak_rss_bytes=10**8,
)


def test_a_cell_is_identified_by_backend_problem_and_threads() -> None:
    assert MEASURED.key == ("numpy-matmul", "n1c8h4w4-o8", 2)
    assert replace(MEASURED, group="another", name="x", count=7).key == MEASURED.key


def test_a_cell_that_ended_keeps_no_number_that_it_did_not_earn() -> None:
    """No time, and nothing measured with it. How far off its answer was, and what it took to get there, stay."""
    cell = replace(MEASURED)
    cell.end("wrong", "because")
    assert (cell.status, cell.reason) == ("wrong", "because")
    assert cell.samples_s == cell.device_samples_s == cell.process == cell.round == cell.canary_s == []
    assert cell.cpu_over_wall is cell.page_faults_per_call is None
    assert (cell.error_ratio, cell.prepare_s, cell.first_call_s, cell.peak_rss_bytes) == (2.0, 0.1, 0.2, 10**8)
    assert MEASURED.samples_s == [1e-6, 2e-6]  # lists are replaced, not emptied: nobody else's change


def test_a_place_is_one_layer_unless_it_says_more_and_can_be_compared() -> None:
    assert Place("a", "b") == Place("a", "b", 1) != Place("a", "b", 2)
    with pytest.raises(FrozenInstanceError):
        Place("a", "b").count = 2  # type: ignore[misc]  # what is tested
