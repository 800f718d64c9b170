"""The clock: a warm-up that ends, and turns in which nothing but the calls is timed."""

from __future__ import annotations

import gc
import math
import mmap
import time
from typing import Any

import pytest
from scripted_backend import CASES, PROBLEM, Scripted
from simulated_time import SimulatedTime

from pointwise_bench.suites.harness.timing import clock as clock_module
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer

# --- warming up ---------------------------------------------------------------------------------------------------


def test_a_first_call_that_compiles_is_a_number_of_its_own() -> None:
    backend = Scripted(lambda call: time.sleep(0.2 if call == 1 else 0))
    timed_layer = JudgedLayer(backend, threads=1)
    set_up = timed_layer.set_up(PROBLEM, CASES)
    assert set_up.first_call_s >= 0.2
    assert timed_layer.warm_up().seconds_per_call < 0.1
    assert min(timed_layer.turn(5, 0.0).seconds_per_call for _ in range(5)) < 0.02


def test_the_warm_up_goes_on_until_it_is_level(clock: SimulatedTime) -> None:
    """Caches and clocks that are still settling: every call is a quarter faster than the one before."""

    def settling(call: int) -> None:
        clock.now_s += 0.1 * 0.75**call if call < 40 else 1e-5

    timed_layer = JudgedLayer(Scripted(settling), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    assert timed_layer.warm_up().seconds_per_call < 2e-5


def test_a_layer_that_never_becomes_level_ends_the_warm_up_all_the_same(
    clock: SimulatedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every batch is a tenth faster than the one before, for as long as anybody looks."""
    longest_s, batch_s = 0.4, clock_module.WARM_UP_BATCH_S

    def faster_and_faster(call: int) -> None:
        assert clock.now_s < 2 * longest_s, "the warm-up does not end"
        clock.now_s += batch_s * math.exp(-clock.now_s / (10 * batch_s))

    monkeypatch.setattr(clock_module, "LONGEST_WARM_UP_S", longest_s)
    timed_layer = JudgedLayer(Scripted(faster_and_faster), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    clock.now_s = 0.0
    timed_layer.timed._current_layer().clocked.warm_up()
    assert longest_s <= clock.now_s < longest_s + 0.02


def test_a_slow_layer_is_warmed_up_with_two_calls(clock: SimulatedTime) -> None:
    def slow(call: int) -> None:
        clock.now_s += 0.15

    backend = Scripted(slow)
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    before = backend.calls
    timed_layer.timed._current_layer().clocked.warm_up()
    assert backend.calls - before == 2


# --- on the clock -------------------------------------------------------------------------------------------------


@pytest.fixture
def timed_layer() -> JudgedLayer:
    timed_layer = JudgedLayer(Scripted(lambda call: time.sleep(0.002)), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    return timed_layer


def test_a_turn_is_the_mean_of_its_calls(timed_layer: JudgedLayer) -> None:
    turn = timed_layer.turn(5, 0.0)
    assert turn.wall_s >= 0.01
    assert turn.seconds_per_call == pytest.approx(turn.wall_s / 5)
    assert turn.cpu_over_wall < 1  # it sleeps
    assert turn.device_seconds_per_call is None


def test_a_turn_begins_with_calls_off_the_clock(timed_layer: JudgedLayer) -> None:
    backend: Any = timed_layer.backend
    before = backend.calls
    timed_layer.turn(5, 0.0)
    assert backend.calls == before + 1 + 5
    before = backend.calls
    timed_layer.turn(5, 0.02)
    assert before + 5 + 3 <= backend.calls <= before + 5 + 10


def test_the_garbage_collector_rests_while_the_clock_runs() -> None:
    seen: list[bool] = []
    timed_layer = JudgedLayer(Scripted(lambda call: seen.append(gc.isenabled())), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    seen.clear()
    timed_layer.turn(5, 0.0)
    assert set(seen) == {False}
    assert gc.isenabled()


def test_a_turn_counts_the_pages_that_its_calls_touch_first() -> None:
    def touch(call: int) -> None:
        mmap.mmap(-1, 100 * mmap.PAGESIZE).write(b"x" * 100 * mmap.PAGESIZE)

    backend = Scripted(lambda call: None)
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    few = timed_layer.turn(5, 0.0).page_faults
    backend.act = touch
    many = timed_layer.turn(5, 0.0).page_faults
    assert few is not None
    assert many is not None
    assert few < 100
    assert many >= 5  # huge pages can serve a hundred small ones at once
    assert many > few


def test_no_input_of_a_timed_call_has_its_values_while_others_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is called where no clock runs finds none of the numbers that it is asked for on the clock.

    And where parts are renewed after every call, none of all that the call before could have found.
    """
    monkeypatch.setattr(clock_module, "RENEWED_S", 0.0)
    monkeypatch.setattr(clock_module, "INTERVAL_S", 0.0)
    backend, seen = Scripted(lambda call: None), list[bytes]()
    prepare = backend.prepare

    def noting(*arguments: Any) -> Any:
        layer = prepare(*arguments)

        def noted(x: Any) -> Any:
            seen.append(x.base.tobytes() if x.base is not None else b"")
            return layer(x)

        return noted

    backend.prepare = noting  # type: ignore[assignment, method-assign]
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    for _ in range(3):
        seen.clear()
        timed_layer.turn(4, 0.0)
        before, *timed = seen
        assert len(timed) == 4
        assert len({*timed}) == 4
        assert before not in timed


def test_a_part_is_renewed_after_so_much_time_of_timed_calls() -> None:
    seconds = 2 * clock_module.RENEWED_S
    timed_layer = JudgedLayer(Scripted(lambda call: time.sleep(seconds)), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.turn(5, 0.0)
    assert timed_layer.timed._current is not None
    inputs = timed_layer.timed._current.clocked.inputs
    assert inputs.renewals == 4  # none after the last call, whose input is asked for
    timed_layer.turn(1, 0.0)
    assert inputs.renewals == 0
    inputs.check_untouched()
