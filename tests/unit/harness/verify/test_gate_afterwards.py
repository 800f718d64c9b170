"""What the gate asks after the timing, and of calls that were timed: as ``test_gate.py``, wrong at one call each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from answering_layers import (
    CASES,
    Answering,
    Asked,
    Reusing,
    finish,
    gate_of,
    off_by,
    with_round_bounds,
    without_checks_by_time,
)
from scripted_backend import CASES as EXACT_CASES, PROBLEM

from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.memory.input_windows import content, window
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import error_bounds, reference
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.gate import Declared, Gate, TimedCall


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The checks by time have tests of their own; here is seen that they are asked, and with what."""
    return without_checks_by_time(monkeypatch)


# --- after the timing ---------------------------------------------------------------------------------------------


def test_a_right_layer_is_asked_five_times_more_and_its_inputs_are_put_back(asked: Asked) -> None:
    gate, layer = gate_of(), Answering()
    inputs = finish(gate, layer)
    # The timed input three times, once read when it has other values, a second one, and its values in the timed array.
    assert layer.calls == 5
    assert inputs.arrays[0].tobytes() == CASES.first.inputs[0].tobytes()
    inputs.check_untouched()
    assert gate.error_ratio == 0.0
    ((_, timed, x, originals, seconds_per_call),) = asked.recomputes
    assert (timed, x, originals, seconds_per_call) == (layer, inputs.arrays, CASES.first.inputs, 0.5)


def test_the_timed_input_may_not_have_been_written_to() -> None:
    inputs = Inputs(CASES.first.inputs)
    inputs.arrays[0].flags.writeable = True
    inputs.arrays[0].flat[0] += 1
    with pytest.raises(WrongAnswer, match="the array that the harness passed was written to"):
        gate_of().after(Answering(), inputs.arrays, CASES.first.answer.astype(np.float32), inputs)


def test_the_last_timed_result_is_judged_as_it_was_before_more_calls() -> None:
    wrong = CASES.first.answer.astype(np.float32) + 2
    with pytest.raises(WrongAnswer, match=r"wrong in the last timed call: .*; the error is 2 times") as refusal:
        finish(gate_of(), Answering(), wrong)
    assert refusal.value.error_ratio == 2.0
    layer = Reusing()
    layer.buffer[...] = CASES.first.answer
    gate = gate_of(output="reused")
    finish(gate, layer, layer.buffer)  # overwritten by the calls of the checks, which is no error of the timed one
    assert gate.error_ratio == 0.0


@pytest.mark.parametrize("call", [2, 3])
def test_it_may_not_have_become_wrong_since(call: int) -> None:
    """The second case, and the timed one once more."""
    with pytest.raises(WrongAnswer, match="wrong after the timing: "):
        finish(gate_of(), Answering(off_by(2.0, call)))


def test_a_repeated_call_may_not_answer_otherwise_than_one_on_a_fresh_copy() -> None:
    layer = Answering(off_by(2.0, 1))
    with pytest.raises(WrongAnswer, match="changes its input: a repeated call on one array answers otherwise"):
        finish(gate_of(), layer)
    # Wrong on a fresh copy as well: it is not the input that changed.
    with pytest.raises(WrongAnswer, match="wrong after the timing: "):
        finish(gate_of(), Answering(off_by(2.0)))


class ByIdentity(Answering):
    """Remembers the answer to an array, whatever the array holds meanwhile."""

    def __init__(self, cases: CaseSet = CASES) -> None:
        super().__init__(cases=cases)
        self.remembered: dict[int, tuple[Any, Any]] = {}

    def __call__(self, x: Any) -> Any:
        """The right answer to what the array held when it first came."""
        if id(x) not in self.remembered:
            self.remembered[id(x)] = (x, super().__call__(x))  # with the array, so that no other gets its identity
        return self.remembered[id(x)][1]


def test_new_values_in_the_same_array_need_a_new_answer() -> None:
    with pytest.raises(WrongAnswer, match="new values in the same array gave the answer to the old ones"):
        finish(gate_of(), ByIdentity())
    with pytest.raises(WrongAnswer, match="wrong after new values in the same array: "):
        finish(gate_of(), Answering(off_by(2.0, 5)))


def test_a_copy_that_the_harness_cannot_reach_is_not_given_new_values() -> None:
    inputs, layer = Inputs(CASES.first.inputs), Answering()
    own = tuple(each.copy() for each in inputs.arrays)
    gate_of().after(layer, own, CASES.first.answer.astype(np.float32), inputs)
    assert layer.calls == 4


def test_where_both_inputs_have_one_answer_a_replay_cannot_be_told() -> None:
    """A bound so wide that the first answer would do for the second, too."""
    wide = replace(CASES, first=with_round_bounds(CASES.first, 1e6), second=with_round_bounds(CASES.second, 1e6))
    finish(gate_of(wide), ByIdentity(wide), cases=wide)


class Ring(Answering):
    """Says that every result is new memory, and hands out so many buffers in turn."""

    def __init__(self, buffers: int) -> None:
        super().__init__()
        self.buffers = [np.zeros(PROBLEM.output_shape, np.float32) for _ in range(buffers)]

    def __call__(self, x: Any) -> Any:
        """The right answer, in the next buffer."""
        result = super().__call__(x)
        self.buffers.append(self.buffers.pop(0))
        self.buffers[-1][...] = result
        return self.buffers[-1]


@pytest.mark.parametrize(("declared", "buffers", "passes"), [
    ("fresh", 2, False), ("fresh", 3, False), ("fresh", 8, False), ("fresh", 9, True), ("reused", 2, True)
])  # fmt: skip
def test_memory_that_is_called_new_is_not_used_again_while_it_is_held(
    declared: str, buffers: int, passes: bool
) -> None:
    """Four questions, of which the second result is held, and six timed calls: the second result is still held then."""
    gate, ring = gate_of(output=declared), Ring(buffers)
    gate.before(ring, None)
    for _ in range(6):
        ring(CASES.first.inputs[0])
    if passes:
        finish(gate, ring)
        return
    with pytest.raises(WrongAnswer, match='declares output "fresh", but a later call overwrites its result'):
        finish(gate, ring)


# --- inputs that nobody has met before ----------------------------------------------------------------------------

LAST = TimedCall((3, 1000), 2)


def right_answer_to(last: TimedCall) -> Any:
    x = window(content(EXACT_CASES.pools[0], last.places), PROBLEM.input_shape, last.line)
    return reference.answer(PROBLEM, (x,), EXACT_CASES.real.weight, None).astype(np.float32)


def test_a_call_of_a_turn_is_judged_by_the_input_that_it_had() -> None:
    gate = Gate(PROBLEM, EXACT_CASES, Declared())
    gate.taken(right_answer_to(LAST), LAST)
    assert gate.error_ratio is not None
    assert 0 < gate.error_ratio <= 1
    for other in (replace(LAST, line=1), replace(LAST, places=(4, 1000))):
        with pytest.raises(WrongAnswer, match="wrong in one of the timed calls: "):
            Gate(PROBLEM, EXACT_CASES, Declared()).taken(right_answer_to(other), LAST)


def test_what_is_wrong_with_a_timed_call_has_its_name() -> None:
    zeros = np.zeros(PROBLEM.output_shape, np.float32)
    with pytest.raises(WrongAnswer, match="wrong in one of the timed calls: the result is all zeros") as refusal:
        Gate(PROBLEM, EXACT_CASES, Declared()).taken(zeros, LAST)
    assert refusal.value.error_ratio is not None
    assert refusal.value.error_ratio > 1


@pytest.mark.parametrize(("error", "named"), [(0.5, True), (1.5, False)])
def test_a_cause_of_a_timed_call_is_named_within_the_bound_of_it(error: float, named: bool) -> None:
    x = window(content(EXACT_CASES.pools[0], LAST.places), PROBLEM.input_shape, LAST.line)
    weight = EXACT_CASES.real.weight
    assert weight is not None
    cut = weight.copy()
    cut[:, -1] = 0
    sizes = reference.magnitudes(PROBLEM, (x,), weight, None)
    allowed = error_bounds.allowed(PROBLEM, sizes, reference.answer(PROBLEM, (x,), weight, None))
    result = (reference.answer(PROBLEM, (x,), cut, None) + error * allowed).astype(np.float32)
    with pytest.raises(WrongAnswer, match="wrong in one of the timed calls: ") as refusal:
        Gate(PROBLEM, EXACT_CASES, Declared()).taken(result, LAST)
    assert ("the last input channel is dropped" in str(refusal.value)) is named


def test_one_odd_result_among_many_is_judged_where_there_was_one() -> None:
    first, second = (case.answer.astype(np.float32) for case in (CASES.first, CASES.second))
    results = {"last": first, "second": second, "oddest": first + 3}
    results |= dict.fromkeys(("repeated", "fresh", "read late"), first)
    gate = Gate(PROBLEM, CASES, Declared())
    gate.after(results.__getitem__, renewed=False, last=None)
    with pytest.raises(WrongAnswer, match="wrong in one of many calls on one input: "):
        gate.after(results.__getitem__, renewed=False, last=None, odd=True)


def test_a_result_that_is_read_when_its_input_has_changed_is_that_of_the_input_before() -> None:
    first, second = (case.answer.astype(np.float32) for case in (CASES.first, CASES.second))
    results = {"last": first, "second": second} | dict.fromkeys(("repeated", "fresh", "read late"), first)
    gate = Gate(PROBLEM, CASES, Declared())
    gate.after(results.__getitem__, renewed=False, last=None)
    results["read late"] = second
    with pytest.raises(WrongAnswer, match="wrong in a result that is read when its input has other values: "):
        gate.after(results.__getitem__, renewed=False, last=None)
