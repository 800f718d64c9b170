"""The device's own clock: what a backend's timer may tell."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing import device_clock
from pointwise_bench.suites.harness.timing.clock import Turn
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer


class Stopwatch:
    """Tells what it was made with."""

    def __init__(self, told: Any) -> None:
        self.told = told

    def start(self) -> None:
        """Nothing to mark."""

    stop = start

    def elapsed_s(self) -> Any:
        """What it was told."""
        return self.told


class Simulated:
    """Time that passes in calls, and a microsecond each time that it is read."""

    def __init__(self) -> None:
        self.now = 1.0

    def __call__(self) -> float:
        """The time."""
        self.now += 1e-6
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Simulated:
    """The harness's own, where a device's clock is held against it."""
    simulated = Simulated()
    monkeypatch.setattr(device_clock, "perf_counter", simulated)
    return simulated


class Marks:
    """A stopwatch that is right, but for a ``share`` of what it should tell; of some calls in a row another one."""

    def __init__(self, clock: Simulated, share: float, share_of_many: float | None = None) -> None:
        self.clock = clock
        self.share = share
        self.share_of_many = share if share_of_many is None else share_of_many
        self.calls = 0
        self.began = self.ended = 0.0

    def start(self) -> None:
        """The opening mark."""
        self.calls, self.began = 0, self.clock()

    def stop(self) -> None:
        """The closing mark."""
        self.ended = self.clock()

    def elapsed_s(self) -> Any:
        """A number of NumPy's."""
        return np.float64((self.ended - self.began) * (self.share if self.calls == 1 else self.share_of_many))


def on_a_device(backend: Scripted) -> JudgedLayer:
    """The backend as one of a GPU."""
    backend.device = "cuda"  # type: ignore[misc]  # a ClassVar everywhere else
    return JudgedLayer(backend, threads=1)


def test_of_the_processor_there_is_but_one_clock() -> None:
    backend = Scripted(lambda call: None)
    backend.device_timer = lambda: Stopwatch(1e-3)  # type: ignore[method-assign]
    timed_layer = JudgedLayer(backend, threads=1)
    timed_layer.set_up(PROBLEM, CASES)
    assert timed_layer.turn(2, 0.0).device_seconds_per_call is None


@pytest.mark.parametrize("told", [-1.0, 0.0, math.nan, math.inf, 1e300])
def test_a_stopwatch_that_tells_no_time_is_an_error_of_its_backend(told: float) -> None:
    backend = Scripted(lambda call: None)
    backend.device_timer = lambda: Stopwatch(told)  # type: ignore[method-assign]
    timed_layer = on_a_device(backend)
    timed_layer.set_up(PROBLEM, CASES)
    with pytest.raises(ValueError, match="device_timer: elapsed_s"):
        timed_layer.turn(2, 0.0)


def turn_of(timer: Any, clock: Simulated, call_s: float) -> Turn:
    """The first turn of a backend whose calls take so long."""

    def act(call: int) -> None:
        timer.calls = getattr(timer, "calls", 0) + 1
        clock.now += call_s

    backend = Scripted(act)
    backend.device_timer = lambda: timer  # type: ignore[method-assign]
    timed_layer = on_a_device(backend)
    timed_layer.set_up(PROBLEM, CASES)
    return timed_layer.turn(9, 0.0)


@pytest.mark.parametrize("call_s", [5e-6, 30e-6, 300e-6, 0.006])
def test_a_stopwatch_that_is_right_is_believed_and_may_tell_numpys_numbers(clock: Simulated, call_s: float) -> None:
    told = turn_of(Marks(clock, 1.0), clock, call_s).device_seconds_per_call
    assert type(told) is float
    assert told >= call_s


@pytest.mark.parametrize("call_s", [5e-6, 30e-6, 300e-6, 0.006])
@pytest.mark.parametrize("share", [0.5, 0.8, 1.3])
def test_a_stopwatch_that_tells_another_share_of_the_time_is_found_on_calls_of_any_length(
    clock: Simulated, call_s: float, share: float
) -> None:
    with pytest.raises(WrongAnswer, match="its device timer is wrong"):
        turn_of(Marks(clock, share), clock, call_s)


def test_a_stopwatch_that_is_right_about_many_calls_and_not_about_one_is_found(clock: Simulated) -> None:
    with pytest.raises(WrongAnswer, match="s of a call that took"):
        turn_of(Marks(clock, 0.5, share_of_many=1.0), clock, 300e-6)


@pytest.mark.parametrize("told", [1e-9, 0.001, 0.25])
def test_a_stopwatch_that_tells_the_same_whatever_is_called_is_found(clock: Simulated, told: float) -> None:
    with pytest.raises(WrongAnswer, match="its device timer is wrong"):
        turn_of(Stopwatch(told), clock, 0.002)


def test_a_stopwatch_that_is_right_at_first_is_held_again_in_turns_that_are_drawn(clock: Simulated) -> None:
    timer, backend = Marks(clock, 1.0), Scripted(lambda call: setattr(clock, "now", clock.now + 1e-5))
    backend.device_timer = lambda: timer  # type: ignore[method-assign]
    timed_layer = on_a_device(backend)
    timed_layer.set_up(PROBLEM, CASES)
    timed_layer.turn(9, 0.0)
    timer.share = timer.share_of_many = 0.5
    with pytest.raises(WrongAnswer, match="its device timer is wrong"):
        for _ in range(300):
            timed_layer.turn(9, 0.0)
