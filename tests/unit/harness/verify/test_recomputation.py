"""Checks by time: remembered answers and work where no clock runs are seen; a busy machine gets nobody refused."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.recomputation import check_finished, check_recomputes

pytestmark = pytest.mark.alone

INPUTS = CASES.first.inputs


class Reading(Scripted):
    """Its results are read with a delay of ``delay_s(seconds since the call)``."""

    def __init__(self, delay_s: Any) -> None:
        super().__init__(lambda call: None)
        self.delay_s = delay_s
        self.called = 0.0

    def sync(self) -> None:
        """Note when the call was over."""
        self.called = time.perf_counter()

    def to_numpy(self, result: Any) -> Any:
        """The result as it is, late."""
        time.sleep(self.delay_s(time.perf_counter() - self.called))
        return result


def layer_of(backend: Scripted) -> Any:
    return backend.prepare(PROBLEM, CASES.real.weight, None, 1)


def check_reading(backend: Reading) -> None:
    check_finished(LayerCalls(backend, PROBLEM), layer_of(backend), INPUTS)


def test_work_that_goes_on_after_sync_is_seen() -> None:
    with pytest.raises(WrongAnswer, match=r"is not finished when sync\(\) returns"):
        check_reading(Reading(lambda since_s: max(0.0, 0.03 - since_s)))


def test_work_in_to_numpy_is_seen() -> None:
    with pytest.raises(WrongAnswer, match=r"works in to_numpy\(\)"):
        check_reading(Reading(lambda since_s: 0.005))


def test_a_reading_that_is_slow_at_times_gets_nobody_refused() -> None:
    """For a millisecond after a pause, or by chance, as on a busy machine."""
    rng = random.Random(1)
    for _ in range(20):
        check_reading(Reading(lambda since_s: 0.001 if since_s > 0.01 or rng.random() < 2 / 3 else 0.0))


def test_a_device_may_take_its_time_to_hand_results_over() -> None:
    backend = Reading(lambda since_s: 0.005)
    backend.device = "fake"  # type: ignore[misc]  # a ClassVar everywhere else
    check_reading(backend)


def test_remembered_answers_are_seen() -> None:
    backend = Scripted(lambda call: time.sleep(0.005))
    compute, seen = layer_of(backend), {}

    def layer(x: Any) -> Any:
        if x.tobytes() not in seen:
            seen[x.tobytes()] = compute(x)
        return seen[x.tobytes()]

    inputs = Inputs(INPUTS)
    layer(*inputs.arrays)
    with pytest.raises(WrongAnswer, match="an input that it had not seen"):
        check_recomputes(LayerCalls(backend, PROBLEM), layer, inputs.arrays, INPUTS, seconds_per_call=1e-5)


def test_a_machine_that_stalls_gets_nobody_refused() -> None:
    """Two calls in three wait for a thread that another process keeps from running."""
    rng = random.Random(1)
    backend = Scripted(lambda call: time.sleep(0.003 if rng.random() < 2 / 3 else 0))
    inputs = Inputs(INPUTS)
    for _ in range(20):
        check_recomputes(LayerCalls(backend, PROBLEM), layer_of(backend), inputs.arrays, INPUTS, seconds_per_call=1e-4)
