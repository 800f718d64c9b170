"""Checks by time: remembered answers and work where no clock runs are seen; a busy machine gets nobody refused.

On a clock that only these tests move: what they show does not depend on what else this machine does.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import recomputation
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.recomputation import check_finished, check_recomputes

INPUTS = CASES.first.inputs
COPYING_S = 1e-6


class Clock:
    """Simulated seconds, in place of the real ones."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def read(self) -> float:
        """Every reading of it takes a moment."""
        self.now_s += COPYING_S
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    simulated = Clock()
    monkeypatch.setattr(recomputation, "perf_counter", simulated.read)
    monkeypatch.setattr(recomputation, "sleep", simulated.sleep)
    return simulated


class Reading(Scripted):
    """Its results are read with a delay of ``delay_s(seconds since the call)``."""

    def __init__(self, clock: Clock, delay_s: Callable[[float], float]) -> None:
        super().__init__(lambda call: None)
        self.clock = clock
        self.delay_s = delay_s
        self.called_s = 0.0

    def sync(self) -> None:
        """Note when the call was over."""
        self.called_s = self.clock.now_s

    def to_numpy(self, result: Any) -> Any:
        """The result as it is, late."""
        self.clock.sleep(self.delay_s(self.clock.now_s - self.called_s))
        return np.asarray(result)


def layer_of(backend: Scripted) -> Any:
    return backend.prepare(PROBLEM, CASES.real.weight, None, 1)


def check_reading(backend: Reading) -> None:
    check_finished(LayerCalls(backend, PROBLEM), layer_of(backend), INPUTS)


def test_work_that_goes_on_after_sync_is_seen(clock: Clock) -> None:
    with pytest.raises(WrongAnswer, match=r"is not finished when sync\(\) returns"):
        check_reading(Reading(clock, lambda since_s: max(0.0, 0.002 - since_s)))


def test_work_in_to_numpy_is_seen(clock: Clock) -> None:
    with pytest.raises(WrongAnswer, match=r"works in to_numpy\(\)"):
        check_reading(Reading(clock, lambda since_s: 0.001))


def test_a_reading_that_is_slow_at_times_gets_nobody_refused(clock: Clock) -> None:
    """For a millisecond after a pause, or by chance, as on a busy machine."""
    rng = random.Random(1)
    for _ in range(20):
        check_reading(Reading(clock, lambda since_s: 0.001 if since_s > 0.01 or rng.random() < 2 / 3 else 0.0))


def test_a_device_may_take_its_time_to_hand_results_over(clock: Clock) -> None:
    backend = Reading(clock, lambda since_s: 0.001)
    backend.device = "fake"  # type: ignore[misc]  # a ClassVar everywhere else
    check_reading(backend)


def check_calls(layer: Callable[[Any], Any], seconds_per_call: float) -> None:
    inputs = Inputs(INPUTS)
    layer(*inputs.arrays)
    backend = Scripted(lambda call: None)
    check_recomputes(LayerCalls(backend, PROBLEM), layer, inputs.arrays, INPUTS, seconds_per_call)


def test_remembered_answers_are_seen(clock: Clock) -> None:
    compute = layer_of(Scripted(lambda call: clock.sleep(0.001)))
    seen: dict[bytes, Any] = {}

    def layer(x: Any) -> Any:
        if x.tobytes() not in seen:
            seen[x.tobytes()] = compute(x)
        return seen[x.tobytes()]

    with pytest.raises(WrongAnswer, match="an input that it had not seen"):
        check_calls(layer, seconds_per_call=1e-5)


def test_a_machine_that_stalls_gets_nobody_refused(clock: Clock) -> None:
    """Two calls in three wait for a thread that another process keeps from running."""
    rng = random.Random(1)
    layer = layer_of(Scripted(lambda call: clock.sleep(0.003 if rng.random() < 2 / 3 else 1e-4)))
    for _ in range(20):
        check_calls(layer, seconds_per_call=1e-4)
