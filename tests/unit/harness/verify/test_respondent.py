"""The worker's side of the gate: what it hands over, in which order it asks, and what it finds by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from questioned_gate import Told
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.questions import AFTER, BEFORE, REAL
from pointwise_bench.suites.harness.verify.respondent import Respondent


class Echo:
    """A layer that counts its calls and returns the number, whatever it is asked."""

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def __call__(self, x: Any) -> Any:
        """The number of this call, everywhere."""
        self.seen.append(x.tobytes())
        return np.full(PROBLEM.output_shape, len(self.seen), np.float32)


def respondent(**declared: Any) -> Respondent:
    backend = Scripted(lambda call: None)
    for name, value in declared.items():
        setattr(backend, name, value)
    return Respondent(backend, PROBLEM, CASES.questions())


def numbers(told: Told) -> dict[str, float]:
    return {name: float(array.flat[0]) for name, array in told.items()}


def test_every_result_is_handed_over_by_its_name() -> None:
    told, exact, timed = Told(), Echo(), Echo()
    respondent().before(timed, exact, told)
    assert tuple(told) == BEFORE
    assert numbers(told) == {"integers": 1, "probe": 2, "poisoned": 3, "integers again": 4,
                             "first": 1, "second": 2, "first kept": 1, "faint": 3, "loud": 4}  # fmt: skip
    asked = CASES.questions()
    assert exact.seen == [each[0].tobytes() for each in (asked.integers, asked.probe, asked.poisoned, asked.integers)]
    assert timed.seen == [each[0].tobytes() for each in (asked.first, asked.second, asked.faint, asked.loud)]


def test_a_reduced_arithmetic_is_not_asked_the_probe_and_another_start_no_exact_layer() -> None:
    told, exact = Told(), Echo()
    respondent(arithmetic="tf32").before(Echo(), exact, told)
    assert "probe" not in told
    assert len(exact.seen) == 3
    told = Told()
    respondent().before(Echo(), None, told)
    assert tuple(told) == REAL


def test_after_the_timing_the_last_result_comes_first_and_the_array_is_put_back() -> None:
    one, told, timed = respondent(), Told(), Echo()
    one.before(timed, None, told)
    told.clear()
    inputs = Inputs(CASES.first.inputs)
    assert one.after(timed, inputs.arrays, np.full(PROBLEM.output_shape, 99, np.float32), inputs, told)
    assert tuple(told) == AFTER
    assert numbers(told) == {"last": 99, "second kept": 2, "repeated": 5, "second": 6, "fresh": 7, "renewed": 8}
    first, second = CASES.first.inputs[0].tobytes(), CASES.second.inputs[0].tobytes()
    assert timed.seen[4:] == [first, second, first, second]
    assert inputs.arrays[0].tobytes() == first


def test_an_array_on_a_device_is_not_given_new_values() -> None:
    inputs, told = Inputs(CASES.first.inputs), Told()
    own = tuple(each.copy() for each in inputs.arrays)
    result = np.zeros(PROBLEM.output_shape, np.float32)
    assert not respondent().after(Echo(), own, result, inputs, told)
    assert "renewed" not in told


def test_a_result_of_another_form_is_found_in_the_worker() -> None:
    with pytest.raises(WrongAnswer, match="returns float64, but the problem is float32"):
        respondent().before(lambda x: np.zeros(PROBLEM.output_shape), None, Told())
