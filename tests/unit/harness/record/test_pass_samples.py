"""What the passes of one backend on one problem become together: the order of the rounds, and every field."""

from __future__ import annotations

from typing import Any

import pytest

from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.cell import Cell
from pointwise_bench.suites.harness.record.pass_samples import (
    PassSamples,
    order_rounds,
    round_number,
    unite_passes,
)


def part(rounds: int, process: int = 0, *, seconds: float = 1e-3, **changed: Any) -> PassSamples:
    """A part whose samples tell their place."""
    fixed: dict[str, Any] = {
        "share": Share(rounds, 4, 40),
        "samples_s": [seconds + 1e-6 * place for place in range(rounds)],
        "canary_s": [5e-4 + 1e-6 * place for place in range(rounds)],
    }
    return PassSamples("a", process, f"2026-01-0{1 + process}T00:00:00.000+00:00", **fixed | changed)


def blank() -> Cell:
    place = {"group": "a group", "name": "a layer", "count": 1}
    return Cell("a", "n1c8h4w4-o8", 1, **place, device="cpu", output="fresh", isolation="worker", started_at="")  # type: ignore[arg-type]


# --- the order of the rounds --------------------------------------------------------------------------------------


def test_rounds_of_the_planned_passes_alternate() -> None:
    parts = {number: part(2, number) for number in range(POLICY.rounds.passes)}
    assert order_rounds(parts) == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]


@pytest.mark.parametrize("few", [1, 4, 7])
@pytest.mark.parametrize("passes", [1, 2, POLICY.rounds.passes])
def test_the_rounds_of_a_slow_backend_are_a_prefix_of_everybody_elses(few: int, passes: int) -> None:
    slow = order_rounds({number: part(few) for number in range(passes)})
    fast = order_rounds({number: part(9) for number in range(passes)})
    assert fast[: len(slow)] == slow


def test_later_passes_follow_after_the_planned_ones() -> None:
    """What was published of a problem before it was looked at again stays where it was."""
    parts = {number: part(3) for number in range(POLICY.rounds.passes + 2)}
    assert order_rounds(parts)[: 3 * POLICY.rounds.passes] == order_rounds(
        {number: parts[number] for number in range(POLICY.rounds.passes)}
    )
    assert order_rounds(parts)[3 * POLICY.rounds.passes :] == [(3, 0), (4, 0), (3, 1), (4, 1), (3, 2), (4, 2)]


def test_the_order_does_not_hang_on_which_pass_was_noted_first() -> None:
    parts = {number: part(3, number) for number in range(POLICY.rounds.passes)}
    assert order_rounds(dict(reversed(parts.items()))) == order_rounds(parts)


def test_every_round_has_a_name_of_its_own() -> None:
    assert POLICY.rounds.most <= ROUNDS_APART
    names = {round_number(number, place) for number in range(24) for place in range(POLICY.rounds.most)}
    assert len(names) == 24 * POLICY.rounds.most


# --- the cell -----------------------------------------------------------------------------------------------------


def test_series_tell_the_round_the_start_and_the_canary_of_every_sample() -> None:
    parts = {0: part(2, 0, seconds=1e-3), 2: part(3, 5, seconds=2e-3)}
    cell = unite_passes(blank(), parts)
    assert cell.round == [0, 2000, 1, 2001, 2002]
    assert cell.process == [0, 5, 0, 5, 5]
    assert cell.samples_s == pytest.approx([1e-3, 2e-3, 1.001e-3, 2.001e-3, 2.002e-3])
    assert cell.canary_s == pytest.approx([5e-4, 5e-4, 5.01e-4, 5.01e-4, 5.02e-4])
    assert cell.device_samples_s == []


def test_the_devices_series_goes_with_the_hosts() -> None:
    cell = unite_passes(blank(), {0: part(2, device_samples_s=[1e-4, 2e-4]), 1: part(2, device_samples_s=[3e-4, 4e-4])})
    assert cell.device_samples_s == [1e-4, 3e-4, 2e-4, 4e-4]


def test_preparing_is_timed_at_the_first_start_and_a_first_call_is_the_median_of_all() -> None:
    parts = {
        number: part(1, number, prepare_s=p, first_call_s=f) for number, (p, f) in enumerate([(9, 1), (1, 2), (2, 6)])
    }
    cell = unite_passes(blank(), parts)
    assert (cell.prepare_s, cell.first_call_s) == (9, 2)


def test_errors_and_memory_are_the_worst_over_the_starts() -> None:
    parts = {
        0: part(1, error_ratio=0.5, peak_rss_bytes=10),
        1: part(1, error_ratio=0.25, peak_rss_bytes=30),
        2: part(1),
    }
    cell = unite_passes(blank(), parts)
    assert (cell.error_ratio, cell.peak_rss_bytes) == (0.5, 30)


def test_processor_time_and_page_faults_are_taken_over_all_calls() -> None:
    parts = {
        0: part(2, cpu_s=1.0, wall_s=1.0, page_faults=80),
        1: part(3, cpu_s=5.0, wall_s=3.0),
        2: part(0, wall_s=0.0),
    }
    cell = unite_passes(blank(), parts)
    assert cell.cpu_over_wall == pytest.approx(6 / 4)
    assert cell.page_faults_per_call == pytest.approx(80 / (2 * 4))  # the second part did not count them


def test_what_nobody_knows_is_null() -> None:
    cell = unite_passes(blank(), {0: part(1)})
    assert cell.cpu_over_wall is cell.page_faults_per_call is cell.peak_rss_bytes is None
    assert cell.error_ratio is cell.prepare_s is cell.first_call_s is None


def test_a_cell_began_when_its_first_leg_did_and_has_the_calls_of_all() -> None:
    cell = unite_passes(blank(), {1: part(1, 1), 0: part(1, 0)})
    assert cell.started_at == "2026-01-01T00:00:00.000+00:00"
    assert cell.calls == 4
