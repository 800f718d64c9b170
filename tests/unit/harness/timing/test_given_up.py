"""Turns that end early, where their calls take far longer than before: nothing is gained by it."""

from __future__ import annotations

import math
import statistics
from os import close

import pytest
from scripted_backend import CASES, PROBLEM, Scripted
from simulated_time import SimulatedTime

from pointwise_bench.suites.harness.timing import clock as clock_module
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer
from pointwise_bench.suites.harness.timing.looks import LEAST_SHOWN, LOOKED_IN


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
    share = total = 0.0

    def noting(result: object, line: object, limit: bytes, renewals: int) -> None:
        nonlocal share, total
        chance = int.from_bytes(limit, "big") / 256**4
        total += chance
        share += chance * (backend.calls < honest_from[0])

    monkeypatch.setattr(clocked.looks, "consider", noting)
    gained, turns = list[float](), 100
    for _ in range(turns):
        honest_from[0] = backend.calls + 1 + left_out
        turn = clocked.turn(calls, 0.0, (0, 0))
        gained.append(1 - turn.seconds_per_call / honest_s)
    assert max(gained) < 0.1
    assert total / turns == pytest.approx(1 / LOOKED_IN, rel=0.02)
    assert statistics.fmean(gained) == pytest.approx(share / total, abs=0.02)


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

    def noting(result: object, line: object, limit: bytes, renewals: int) -> None:
        limits.append(int.from_bytes(limit, "big") / 256**4)
        consider(result, line, limit, renewals)  # type: ignore[arg-type]

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


def test_what_stands_for_the_calls_that_do_not_come_is_one_that_may_be_looked_at(
    clock: SimulatedTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who filled the last interval with quick calls, behind which an honest one is the last, had all stand for it."""
    quick_s, stub_s, honest_s = 2e-7, 2e-5, 2e-3
    in_turn = [False]

    def pretending(call: int) -> None:
        stub = in_turn[0] and call % 10
        clock.now_s += (stub_s if stub else honest_s) if in_turn[0] else quick_s

    backend = Scripted(pretending)
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    clocked = timed_layer.timed._current_layer().clocked
    clocked.warm_up()
    stubs = total = 0.0

    def noting(result: object, line: object, limit: bytes, renewals: int) -> None:
        nonlocal stubs, total
        chance = int.from_bytes(limit, "big") / 256**4
        total += chance
        stubs += chance * (backend.calls % 10 > 0)

    monkeypatch.setattr(clocked.looks, "consider", noting)
    in_turn[0], turns = True, 100
    for _ in range(turns):
        assert clocked.turn(20_000, 0.0, (0, 0)).wall_s < 0.5
    assert total / turns == pytest.approx(1 / LOOKED_IN, rel=0.05)
    assert stubs / total > 0.6
