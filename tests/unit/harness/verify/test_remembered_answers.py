"""Checks by time: remembered answers are seen, and a busy machine gets nobody refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from clock_of_checks import Clock, simulated_clock
from scripted_backend import CASES, PROBLEM, Scripted, layer_of

from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.layer_calls import LayerCalls
from pointwise_bench.suites.harness.verify.recomputation import check_recomputes

INPUTS = CASES.first.inputs


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return simulated_clock(monkeypatch)


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


class Remembering:
    """A layer that takes ``old_s`` for the input it was made for, and ``new_s(number)`` for every other one."""

    def __init__(self, clock: Clock, old_s: float, new_s: Callable[[int], float]) -> None:
        self.clock = clock
        self.old_s = old_s
        self.new_s = new_s
        self.old_calls = 0
        self.new: list[Any] = []

    def __call__(self, x: Any) -> Any:
        """No result, late."""
        if x.tobytes() == INPUTS[0].tobytes():
            self.old_calls += 1
            self.clock.sleep(self.old_s)
        else:
            self.new.append(x.copy())
            self.clock.sleep(self.new_s(len(self.new)))


def check_layer(layer: Remembering, seconds_per_call: float) -> None:
    inputs = Inputs(INPUTS)
    calls = LayerCalls(Scripted(lambda call: None), PROBLEM)
    check_recomputes(calls, layer, inputs.arrays, INPUTS, seconds_per_call)


@pytest.mark.parametrize(
    ("seconds_per_call", "new_us", "refused"),
    [
        # 101 us for an old call, a microsecond of which is the clock's: 3 * 101 + 20 = 323 us for a new one.
        (5e-5, 321, False),
        (5e-5, 324, True),
        # The timed calls took 200 us: 3 * 200 + 20 = 620 us.
        (2e-4, 618, False),
        (2e-4, 621, True),
    ],
)
def test_a_new_input_may_take_three_times_as_long(
    seconds_per_call: float, new_us: float, refused: bool, clock: Clock
) -> None:
    layer = Remembering(clock, 1e-4, lambda number: 1e-6 * new_us)
    if refused:
        with pytest.raises(WrongAnswer, match="replays a cached answer"):
            check_layer(layer, seconds_per_call)
    else:
        check_layer(layer, seconds_per_call)
    assert len(layer.new) == (8 if refused else 1)


def test_eight_new_inputs_are_tried_and_the_fastest_is_reported(clock: Clock) -> None:
    """They are the old one times 17/16, 18/16 ... 24/16: all new, and neither large nor small."""
    layer = Remembering(clock, 1e-5, lambda number: 0.002 if number == 3 else 0.003)
    with pytest.raises(WrongAnswer, match=r"had not seen took 0\.002 s, the repeated one 1e-05 s"):
        check_layer(layer, 1e-5)
    factors = [float(np.median(new / INPUTS[0])) for new in layer.new]
    assert factors == pytest.approx([sixteenths / 16 for sixteenths in range(17, 25)], rel=1e-6)


def test_one_fast_answer_to_a_new_input_clears_a_layer(clock: Clock) -> None:
    layer = Remembering(clock, 1e-5, lambda number: 1e-5 if number == 8 else 0.003)
    check_layer(layer, 1e-5)
    assert len(layer.new) == 8


@pytest.mark.parametrize(
    ("old_s", "calls"),
    [
        (0.0003, 4),  # a millisecond of them
        (0.0006, 3),  # three at least ...
        (0.04, 3),
        (0.06, 2),  # ... unless two take longer than a tenth of a second
        (0.2, 1),
    ],
)
def test_before_a_new_input_come_calls_on_the_old_one(old_s: float, calls: int, clock: Clock) -> None:
    layer = Remembering(clock, old_s, lambda number: 0.0)
    check_layer(layer, old_s)
    assert (layer.old_calls, len(layer.new)) == (calls, 1)


def test_a_machine_that_stalls_gets_nobody_refused(clock: Clock) -> None:
    """Two calls in three wait for a thread that another process keeps from running."""
    rng = random.Random(1)
    layer = layer_of(Scripted(lambda call: clock.sleep(0.003 if rng.random() < 2 / 3 else 1e-4)))
    for _ in range(20):
        check_calls(layer, seconds_per_call=1e-4)
