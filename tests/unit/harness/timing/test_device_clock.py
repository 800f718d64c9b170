"""The device's own clock: what a backend's timer may tell."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import pytest
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.record.ended import WrongAnswer
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


def test_a_stopwatch_may_tell_numpys_numbers() -> None:
    backend = Scripted(lambda call: None)
    backend.device_timer = lambda: Stopwatch(np.float32(2**-20))  # type: ignore[method-assign]
    timed_layer = on_a_device(backend)
    timed_layer.set_up(PROBLEM, CASES)
    seconds = timed_layer.turn(2, 0.0).device_seconds_per_call
    assert (seconds, type(seconds)) == (2**-20, float)


@pytest.mark.parametrize(("told", "sleeps", "wrong"), [(1e-9, 0.002, True), (0.25, 0.002, True), (0.001, 0.002, False),
                                                       (1e-7, 0.0, False)])  # fmt: skip
def test_a_stopwatch_must_explain_what_a_call_takes(told: float, sleeps: float, wrong: bool) -> None:
    """Too little of a long call, and more than a call took, are no times of it; of a short one most is launching."""
    backend = Scripted(lambda call: time.sleep(sleeps) if sleeps else None)
    backend.device_timer = lambda: Stopwatch(told)  # type: ignore[method-assign]
    timed_layer = on_a_device(backend)
    timed_layer.set_up(PROBLEM, CASES)
    if wrong:
        with pytest.raises(WrongAnswer, match="its device timer is wrong"):
            timed_layer.turn(3, 0.0)
    else:
        assert timed_layer.turn(3, 0.0).device_seconds_per_call == pytest.approx(told)
