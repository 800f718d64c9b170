"""The worker's side of the gate: what it hands over, in which order it asks, and what it finds by itself."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from questioned_gate import Told
from scripted_backend import CASES, PROBLEM, Scripted

from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify.questions import AFTER, BEFORE, REAL
from pointwise_bench.suites.harness.verify.respondent import Respondent, distance


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
    last = np.full(PROBLEM.output_shape, 99, np.float32)
    assert one.after(timed, inputs.arrays, last, inputs, told) == (True, False)
    assert {*told} == {*AFTER} - {"oddest"}
    assert numbers(told) == {"last": 99, "second kept": 2, "repeated": 5, "second": 6, "fresh": 7,
                             "read late": 8, "renewed": 9}  # fmt: skip
    first, second = CASES.first.inputs[0].tobytes(), CASES.second.inputs[0].tobytes()
    assert timed.seen[4:] == [first, second, first, first, second]
    assert inputs.arrays[0].tobytes() == first


def test_who_computes_when_a_result_is_read_hands_over_that_of_the_values_that_are_there_then() -> None:
    """Also who keeps what it has computed, so that it looks like memory that was there from the beginning."""

    class Promise:
        def __init__(self, x: Any) -> None:
            self._x = x
            self._array: Any = None

        def array(self) -> Any:
            if self._array is None:
                self._array = np.full(PROBLEM.output_shape, self._x.flat[0], np.float32)
            return self._array

    backend = Scripted(lambda call: None)
    backend.to_numpy = lambda result: result.array()  # type: ignore[method-assign]
    inputs, told = Inputs(CASES.first.inputs), Told()
    one = Respondent(backend, PROBLEM, CASES.questions())
    one.after(Promise, inputs.arrays, Promise(CASES.first.inputs[0]), inputs, told)
    first, second = (float(case.inputs[0].flat[0]) for case in (CASES.first, CASES.second))
    assert numbers(told)["repeated"] == first
    assert numbers(told)["read late"] == second
    assert inputs.arrays[0].tobytes() == CASES.first.inputs[0].tobytes()


def test_an_array_on_a_device_is_not_given_new_values() -> None:
    inputs, told = Inputs(CASES.first.inputs), Told()
    own = tuple(each.copy() for each in inputs.arrays)
    result = np.zeros(PROBLEM.output_shape, np.float32)
    renewed, _ = respondent().after(Echo(), own, result, inputs, told)
    assert not renewed
    assert "renewed" not in told


def test_a_result_of_another_form_is_found_in_the_worker() -> None:
    with pytest.raises(WrongAnswer, match="returns float64, but the problem is float32"):
        respondent().before(lambda x: np.zeros(PROBLEM.output_shape), None, Told())


class WrongOnce:
    """A layer of which one call in many has a result of its own; some are off by a rounding, as threads make them."""

    def __init__(self, wrong_at: int, value: float) -> None:
        self.calls = 0
        self.wrong_at = wrong_at
        self.value = value

    def __call__(self, x: Any) -> Any:
        """One, or nearly."""
        self.calls += 1
        result = np.ones(PROBLEM.output_shape, np.float32)
        if self.calls % 5 == 0:
            result += np.float32(1e-6)
        if self.calls == self.wrong_at:
            result.flat[0] = self.value
        return result


@pytest.mark.parametrize("value", [3.0, float("nan"), float("inf")])
def test_the_oddest_of_many_results_is_handed_over(value: float) -> None:
    inputs, told = Inputs(CASES.first.inputs), Told()
    last = np.zeros(PROBLEM.output_shape, np.float32)
    _, odd = respondent().after(WrongOnce(300, value), inputs.arrays, last, inputs, told, audit_s=60.0)
    assert odd
    assert str(float(told["oddest"].flat[0])) == str(value)


def test_nothing_odd_is_handed_over_where_all_results_are_alike() -> None:
    inputs, told = Inputs(CASES.first.inputs), Told()
    result = np.zeros(PROBLEM.output_shape, np.float32)
    calls = itertools.count()

    def layer(x: Any) -> Any:
        next(calls)
        return np.ones(PROBLEM.output_shape, np.float32)

    _, odd = respondent().after(layer, inputs.arrays, result, inputs, told, 60.0, 50)
    assert not odd
    assert "oddest" not in told
    assert next(calls) >= 50  # it was searched for


def test_a_zero_of_the_other_sign_is_not_odd() -> None:
    """It has other bits, and is as far from the usual result as that is from itself."""
    signs = itertools.cycle([1, -1, -1])
    inputs, told = Inputs(CASES.first.inputs), Told()
    result = np.zeros(PROBLEM.output_shape, np.float32)
    layer = lambda x: np.full(PROBLEM.output_shape, next(signs) * 0.0, np.float32)  # noqa: E731
    _, odd = respondent().after(layer, inputs.arrays, result, inputs, told, 60.0, 50)
    assert not odd


@pytest.mark.parametrize(
    ("result", "usual", "far"),
    [
        ([1.0, 4.0], [1.0, 6.5], 2.5),
        ([0.25], [0.5], 0.25),
        ([1.0], [np.nan], np.inf),
        ([np.inf], [1.0], np.inf),
        ([], [], 0.0),
    ],
)
def test_a_distance_is_the_largest_difference(result: list[float], usual: list[float], far: float) -> None:
    assert distance(np.array(result), np.array(usual)) == far


def test_so_many_calls_are_searched_and_no_more() -> None:
    inputs, told, layer = Inputs(CASES.first.inputs), Told(), WrongOnce(1500, 3.0)
    last = np.zeros(PROBLEM.output_shape, np.float32)
    _, odd = respondent().after(layer, inputs.arrays, last, inputs, told, 60.0, 1400)
    assert told["oddest"].flat[0] < 2
    assert odd
    before = layer.calls
    layer.wrong_at = before + 1395
    respondent().after(layer, inputs.arrays, last, inputs, told, 60.0, 1400)
    assert told["oddest"].flat[0] == 3


def test_the_last_result_may_not_be_put_right_when_it_is_read() -> None:
    backend = Scripted(lambda call: None)
    backend.to_numpy = lambda result: np.add(result, 1, out=result)  # type: ignore[method-assign]
    inputs, last = Inputs(CASES.first.inputs), np.zeros(PROBLEM.output_shape, np.float32)
    with pytest.raises(WrongAnswer, match="works in to_numpy"):
        Respondent(backend, PROBLEM, CASES.questions()).after(Echo(), inputs.arrays, last, inputs, Told())
