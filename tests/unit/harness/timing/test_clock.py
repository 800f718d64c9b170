"""The clock: a warm-up that ends, and turns in which nothing but the calls is timed."""

from __future__ import annotations

import gc
import math
import mmap
import time
from os import close
from typing import Any

import pytest
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.timing import clock as clock_module
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.harness.timing.looks import LEAST_SHOWN, LOOKED_IN

# --- warming up ---------------------------------------------------------------------------------------------------


def test_a_first_call_that_compiles_is_a_number_of_its_own() -> None:
    backend = Scripted(lambda call: time.sleep(0.2 if call == 1 else 0))
    timed_layer = JudgedLayer(backend, threads=1)
    set_up = timed_layer.set_up(PROBLEM, CASES)
    assert set_up.first_call_s >= 0.2
    assert timed_layer.warm_up().seconds_per_call < 0.1
    assert min(timed_layer.turn(5, 0.0).seconds_per_call for _ in range(5)) < 0.02


class SimulatedTime:
    """What the timed layer reads its clocks from, and the layer moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def perf_counter(self) -> float:
        """Simulated seconds."""
        return self.now_s

    cpu_seconds = perf_counter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimulatedTime:
    """The clock of the timed layer, in place of the real one that others who use this machine could disturb."""
    simulated = SimulatedTime()
    for name in ("perf_counter", "cpu_seconds"):
        monkeypatch.setattr(clock_module, name, getattr(simulated, name))
    return simulated


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


def test_an_interval_is_by_the_quickest_calls_and_longer_in_long_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a warm-up has waited for a processor makes none too short, as then looks are a large share of a turn."""
    slow = [True]
    timed_layer = JudgedLayer(Scripted(lambda call: time.sleep(0.01 if slow[0] else 0.0)), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.warm_up()
    assert timed_layer.timed._current is not None
    clocked = timed_layer.timed._current.clocked
    assert clocked._interval == 1
    slow[0] = False
    monkeypatch.setattr(clock_module, "INTERVAL_S", 0.01)
    timed_layer.turn(200, 0.0)
    found = clocked._interval
    assert found > 1
    slow[0] = True
    timed_layer.turn(1, 0.0)
    assert clocked._interval == found
    slow[0] = False
    clocked._interval, looked = 1, list[int]()
    monkeypatch.setattr(clocked.looks, "consider", lambda results, *others: looked.append(len(results)))
    monkeypatch.setattr(clock_module, "MOST_INTERVALS", 50)
    timed_layer.turn(200, 0.0)
    assert looked == [4] * 50


def test_a_turn_ends_early_where_its_calls_take_far_longer_than_before(clock: SimulatedTime) -> None:
    """Threads that spin for each other beside a load: a thousand calls of microseconds took a minute."""
    seconds = [4e-6]

    def spinning(call: int) -> None:
        clock.now_s += seconds[0]

    backend = Scripted(spinning)
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.warm_up()
    usual = backend.calls
    timed_layer.turn(1000, 0.0)
    assert backend.calls - usual == 1 + 1000
    seconds[0], before = 4e-3, backend.calls
    turn = timed_layer.turn(1000, 0.0)
    called = backend.calls - before - 1
    assert turn.wall_s == pytest.approx(clock_module.GIVEN_UP_AT * 1000 * 4e-6, rel=0.2)
    assert called == pytest.approx(turn.wall_s / 4e-3)
    assert turn.seconds_per_call == pytest.approx(4e-3)
    timed_layer.check_answers()  # of the last call that came, by the input that it had
    seconds[0] = clock_module.GIVEN_UP_AT / 2 * 4e-6
    before = backend.calls
    timed_layer.turn(1000, 0.0)
    assert backend.calls - before == 1 + 1000, "a slow turn is not yet one without end"


def test_a_batch_of_the_warm_up_that_was_given_up_does_not_end_it(clock: SimulatedTime) -> None:
    """A pause of half a second had made 38 ms of a call of 4 us, and with that a turn has one call."""
    paused: list[int] = []

    def pausing(call: int) -> None:
        clock.now_s += 4e-6
        if call > 600 and not paused:
            paused.append(call)
            clock.now_s += 0.55

    timed_layer = JudgedLayer(Scripted(pausing), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    assert timed_layer.timed._current_layer().clocked.warm_up()[0] == pytest.approx(4e-6)
    assert paused


def test_who_leaves_out_calls_of_a_turn_that_ends_early_gains_no_more_than_is_looked_at(
    clock: SimulatedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quick in the warm-up, so that a turn has thousands of calls, and in its first calls, and honest in the last ones.

    Their mean had been a quarter of the honest time, and one result in three hundred a quick one's.
    """
    quick_s, honest_s, left_out = 2e-7, 2e-3, 700
    honest_from = [10**9]

    def hurrying(call: int) -> None:
        clock.now_s += quick_s if call < honest_from[0] else honest_s

    backend = Scripted(hurrying)
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    clocked = timed_layer.timed._current_layer().clocked
    calls = round(0.004 / clocked.warm_up()[0])
    assert clocked.looks is not None
    share, total, consider = 0.0, 0.0, clocked.looks.consider

    def noting(results: list[Any], lines: list[int], limit: bytes, renewals: int) -> None:
        nonlocal share, total
        chance = int.from_bytes(limit, "big") / 256**4
        total += chance
        share += chance * (backend.calls < honest_from[0])
        consider(results, lines, limit, renewals)

    monkeypatch.setattr(clocked.looks, "consider", noting)
    for _ in range(20):
        honest_from[0] = backend.calls + 1 + left_out
        share = total = 0.0
        turn = clocked.turn(calls, 0.0, (0, 0))
        assert LEAST_SHOWN <= total <= 1 / LOOKED_IN + 1e-6
        gained = 1 - turn.seconds_per_call / honest_s
        assert gained < 0.1
        assert gained == pytest.approx(share / total, abs=0.03)


def test_who_ends_a_turn_early_by_slow_calls_has_their_time(clock: SimulatedTime) -> None:
    """Slow calls that compute ahead, or have others' time moved to them, and a quick last one for all the rest."""
    quick_s, honest_s = 1e-7, 1e-4
    slow_from = [10**9]

    def slow_once(call: int) -> None:
        clock.now_s += 5e-2 if call == slow_from[0] + 3 else honest_s if call > slow_from[0] else quick_s

    backend = Scripted(slow_once)
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.warm_up()
    clocked = timed_layer.timed._current_layer().clocked
    slow_from[0] = backend.calls + 1
    before = backend.calls + 1
    turn = clocked.turn(40_000, 0.0, (0, 0))
    came = backend.calls - before
    assert came < 40_000
    assert turn.wall_s >= clock_module.SHORTEST_GIVEN_UP_S
    assert turn.seconds_per_call >= turn.wall_s / came > honest_s


def test_between_calls_that_are_far_slower_than_foreseen_no_more_pass_unseen(
    clock: SimulatedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is quick in the warm-up has hundreds of calls in an interval, of which few inputs would differ."""
    seconds = [1e-7]
    timed_layer = JudgedLayer(Scripted(lambda call: setattr(clock, "now_s", clock.now_s + seconds[0])), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.warm_up()
    clocked, looked = timed_layer.timed._current_layer().clocked, list[int]()
    assert clocked._interval > 100
    monkeypatch.setattr(clocked.looks, "consider", lambda results, *others: looked.append(len(results)))
    seconds[0] = 1e-4
    clocked.turn(700, 0.0, (0, 0))
    assert looked[1:] == [1] * (700 - looked[0])
    seconds[0] = 1e-7
    looked.clear()
    clocked.turn(700, 0.0, (0, 0))
    assert len(looked) == 2


def test_as_many_results_are_taken_of_turns_that_end_early(
    clock: SimulatedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever hands over fewer would be held to keep some back."""
    seconds, turns = [4e-6], 300
    timed_layer = JudgedLayer(Scripted(lambda call: setattr(clock, "now_s", clock.now_s + seconds[0])), threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.warm_up()
    clocked = timed_layer.timed._current_layer().clocked
    assert clocked.looks is not None
    seconds[0], taken, limits = 1.0, 0, list[float]()
    consider = clocked.looks.consider

    def noting(results: object, lines: object, limit: bytes, renewals: int) -> None:
        limits.append(int.from_bytes(limit, "big") / 256**4)
        consider(results, lines, limit, renewals)  # type: ignore[arg-type]

    monkeypatch.setattr(clocked.looks, "consider", noting)
    for _ in range(turns):
        limits.clear()
        clocked.turn(1000, 0.0, (0, 0))
        chance = 1 - math.prod(1 - limit for limit in limits)
        assert LEAST_SHOWN - 1e-6 <= chance <= 1 / LOOKED_IN + 1e-6
        found = clocked.looks.hand_over()
        taken += found is not None
        if found is not None:
            close(found.descriptor)
    assert taken > 0
