"""A timed layer with its judge in one process: the steps in their order, and what is wrong is found at its step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing.judged_layer import JudgedLayer


class Turning(Scripted):
    """Is right until it is told to be wrong."""

    wrong = False

    def prepare(self, *given: Any) -> Any:
        """Its layer, or one more than that."""
        right = super().prepare(*given)
        return lambda x: right(x) + np.float32(self.wrong)


def test_all_steps_of_a_right_backend() -> None:
    layer = JudgedLayer(Scripted(lambda call: None), threads=1)
    error = layer.set_up(PROBLEM, CASES).error_ratio
    assert error is not None
    assert layer.warm_up().seconds_per_call > 0
    assert layer.turn(3, 0.0).seconds_per_call > 0
    layer.check_answers()
    finish = layer.finish()
    assert finish.error_ratio is not None
    assert error <= finish.error_ratio <= 1
    assert finish.peak_rss_bytes > 0


def test_answers_are_asked_before_the_end_whether_or_not_that_was_a_step_of_its_own() -> None:
    for asked in (True, False):
        backend = Turning(lambda call: None)
        layer = JudgedLayer(backend, threads=1)
        layer.set_up(PROBLEM, CASES)
        layer.turn(1, 0.0)
        if asked:
            layer.check_answers()
        backend.wrong = True
        if asked:
            layer.finish()  # which looks at times alone
        else:
            with pytest.raises(WrongAnswer, match="wrong after the timing"):
                layer.finish()


@pytest.mark.parametrize("step", ["check_answers", "finish"])
def test_no_step_comes_before_the_first(step: str) -> None:
    with pytest.raises(RuntimeError, match="set_up comes first"):
        getattr(JudgedLayer(Scripted(lambda call: None), threads=1), step)()


def test_what_is_wrong_in_a_timed_call_is_found_in_some_turn() -> None:
    backend = Turning(lambda call: None)
    layer = JudgedLayer(backend, threads=1)
    layer.set_up(PROBLEM, CASES)
    for _ in range(20):
        layer.turn(3, 0.0)
    backend.wrong = True
    with pytest.raises(WrongAnswer, match="wrong in one of the timed calls"):
        for _ in range(200):  # all of them missed once in 10^11 runs
            layer.turn(3, 0.0)
