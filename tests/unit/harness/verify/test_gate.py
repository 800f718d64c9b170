"""What the gate asks, in which order, and what it says: layers that answer out of a table, wrong at one call each.

Whole wrong backends are in tests/gate; here every single check is reached, on cases whose bounds are round numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from questioned_gate import QuestionedGate
from scripted_backend import CASES as EXACT_CASES, PROBLEM, Scripted

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory.guarded_arrays import Inputs
from pointwise_bench.suites.harness.memory.input_windows import content, window
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import error_bounds, reference, respondent as respondent_module
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.drawing import Case
from pointwise_bench.suites.harness.verify.gate import Declared, Gate, TimedCall

Alter = Callable[[Any, int], Any]


def with_round_bounds(case: Case, allowed: float = 1.0) -> Case:
    """Answers that the problem's dtype can hold, and the same error allowed at every place."""
    answer = np.rint(case.answer)
    return replace(case, answer=answer, allowed=np.full(answer.shape, allowed, np.float32))


CASES = replace(EXACT_CASES, first=with_round_bounds(EXACT_CASES.first), second=with_round_bounds(EXACT_CASES.second))


@dataclass
class Asked:
    """What the checks by time were asked for."""

    finished: list[tuple[Any, ...]]
    recomputes: list[tuple[Any, ...]]


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The checks by time have tests of their own; here is seen that they are asked, and with what."""
    calls = Asked([], [])
    monkeypatch.setattr(respondent_module, "check_finished", lambda *given: calls.finished.append(given))
    monkeypatch.setattr(respondent_module, "check_recomputes", lambda *given: calls.recomputes.append(given))
    return calls


class Answering:
    """A layer that knows the answer to every case, and changes what it returns as ``alter(answer, call)`` says."""

    def __init__(self, alter: Alter = lambda answer, call: answer, cases: CaseSet = CASES) -> None:
        self.alter = alter
        self.calls = 0
        known = (cases.first, cases.second, cases.faint, cases.loud, cases.integers, cases.probe, cases.poisoned)
        self.answers = {case.inputs[0].tobytes(): case.answer for case in known}

    def __call__(self, x: Any) -> Any:
        """The answer to the case whose input this is."""
        self.calls += 1
        return self.alter(self.answers[x.tobytes()].astype(x.dtype), self.calls)


def off_by(error: float, *calls: int) -> Alter:
    """One element of the results of ``calls`` off by ``error``; of all of them where none is named."""

    def alter(answer: Any, call: int) -> Any:
        if not calls or call in calls:
            answer.flat[5] += error
        return answer

    return alter


def gate_of(cases: CaseSet = CASES, **declared: Any) -> QuestionedGate:
    backend = Scripted(lambda call: None)
    for name, value in declared.items():
        setattr(backend, name, value)
    return QuestionedGate(backend, PROBLEM, cases)


def finish(gate: QuestionedGate, layer: Any, last: Any = None, cases: CaseSet = CASES) -> Inputs:
    """The checks after the timing, of a layer whose last timed call returned ``last`` (the right answer if None)."""
    inputs = Inputs(cases.first.inputs)
    right = cases.first.answer.astype(np.float32)
    gate.after(layer, inputs.arrays, right if last is None else last, inputs)
    gate.recomputes(layer, inputs.arrays, seconds_per_call=0.5)
    return inputs


# --- before the timing --------------------------------------------------------------------------------------------


def test_right_layers_pass_with_the_largest_error_that_they_made(asked: Asked) -> None:
    gate, exact, timed = gate_of(), Answering(), Answering(off_by(0.5, 1))
    gate.before(timed, exact)
    assert (exact.calls, timed.calls) == (4, 4)
    assert gate.error_ratio == 0.5  # of the first answer; the second was met
    assert asked.finished == []  # which is judged by time, alone on the machine
    gate.finishes(timed)
    assert [given[1] for given in asked.finished] == [timed]


def test_numbers_of_every_size_are_asked_and_their_error_is_not_recorded() -> None:
    """Half of what small sums may lose is no error; one number that is zero is, and one that is clipped."""

    def zeroed(answer: Any, call: int) -> Any:
        if call == 3:
            answer.flat[np.abs(CASES.faint.answer).argmax()] = 0
        return answer

    def clipped(answer: Any, call: int) -> Any:
        return np.nan_to_num(answer) if call == 4 else answer

    gate = gate_of()
    gate.before(Answering(), None)
    assert gate.error_ratio == 0.0
    for alter, words in (
        (zeroed, r"wrong among small numbers: small numbers are taken for zero \(of 128 elements 1, as at "),
        (clipped, "wrong among large numbers, NaN and infinity: (NaN is lost|what no number of this type can hold)"),
    ):
        with pytest.raises(WrongAnswer, match=words):
            gate_of().before(Answering(alter), None)


def test_before_any_result_there_is_no_error() -> None:
    assert gate_of().error_ratio is None


def test_without_an_exact_layer_the_reals_alone_are_asked() -> None:
    gate, timed = gate_of(), Answering()
    gate.before(timed, None)
    assert (timed.calls, gate.error_ratio) == (4, 0.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (1, "wrong on small integers: "),
        (2, r"wrong on the precision probe 1 \+ 2\^-12: "),
        (3, "wrong when the input holds NaN and infinity: "),
        (4, "wrong on the first input, asked again: "),
    ],
)
def test_an_exact_answer_may_not_be_off_at_all(call: int, words: str) -> None:
    def one_off(answer: Any, now: int) -> Any:
        if now == call:
            place = np.flatnonzero(np.isfinite(answer))[0]
            answer.flat[place] += 2.0**-10
        return answer

    with pytest.raises(WrongAnswer, match=words) as refusal:
        gate_of().before(Answering(), Answering(one_off))
    assert "1 of 128 elements differ" in str(refusal.value)
    assert "times what" not in str(refusal.value)  # an exact answer has no bound to be compared with
    assert refusal.value.error_ratio is None


def cleaned(at_call: int) -> Alter:
    """Zero for NaN and a large number for infinity, at one call."""
    return lambda answer, call: np.nan_to_num(answer) if call == at_call else answer


def smooth_cases() -> tuple[Problem, CaseSet]:
    """Of an activation whose exact cases have a bound, too, as its own rounding is free."""
    problem = replace(PROBLEM, activation="silu")
    return problem, CaseSet.of(problem, seed=1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (1, "wrong where a weight or the bias is NaN or inf"),
        (2, "wrong where a weight or the bias is NaN or inf"),
        (3, "wrong when the input holds NaN and infinity: "),
    ],
)
@pytest.mark.parametrize("smooth", [False, True])
def test_what_cleans_nan_is_told_by_where_it_came_from(call: int, words: str, smooth: bool) -> None:
    problem, cases = smooth_cases() if smooth else (PROBLEM, CASES)
    gate = QuestionedGate(Scripted(lambda now: None), problem, cases)
    with pytest.raises(WrongAnswer, match=words):
        gate.before(Answering(cases=cases), Answering(cleaned(call), cases))


def test_the_integers_before_a_smooth_activation_have_the_bound_of_its_rounding() -> None:
    problem, cases = smooth_cases()

    def gate() -> QuestionedGate:
        return QuestionedGate(Scripted(lambda now: None), problem, cases)

    gate().before(Answering(cases=cases), Answering(cases=cases))

    weight, linear = cases.integer.weight, replace(problem, activation="none")
    with np.errstate(all="ignore"):
        sums = reference.answer(linear, cases.integers.inputs, weight, None).astype(np.float32)
    with pytest.raises(WrongAnswer, match="wrong on small integers: the silu is missing"):
        gate().before(Answering(cases=cases), Answering(lambda answer, call: sums, cases))


@pytest.mark.parametrize("call", [2, 3])
def test_a_reduced_arithmetic_is_asked_all_exact_cases_but_the_probe(call: int) -> None:
    """Those with NaN, and the integers once more: none of them is left out with the probe."""
    with pytest.raises(WrongAnswer, match="NaN and infinity" if call == 2 else "asked again|NaN or infinite"):
        gate_of(arithmetic="tf32").before(Answering(), Answering(cleaned(call)))


@pytest.mark.parametrize("arithmetic", ["tf32", "bf16"])
def test_a_reduced_arithmetic_is_not_asked_the_probe(arithmetic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(error_bounds.REDUCED, arithmetic, 2.0**-8)  # on either side of "own" in the alphabet
    exact = Answering()
    gate_of(arithmetic=arithmetic).before(Answering(), exact)
    assert exact.calls == 3


def test_a_plugin_may_make_its_declarations_of_strings_of_its_own() -> None:
    """Equal words are the same word, though not the same object."""
    own, fresh = "".join(["o", "wn"]), "".join(["fr", "esh"])
    exact = Answering()
    gate_of(arithmetic=own).before(Answering(), exact)
    assert exact.calls == 4
    with pytest.raises(WrongAnswer, match="wrong on the precision probe"):
        gate_of(arithmetic=own).before(Answering(), Answering(lambda answer, call: answer * 2 if call == 2 else answer))
    with pytest.raises(WrongAnswer, match='declares output "fresh"'):
        gate_of(output=fresh).before(Reusing(), None)


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_no_exact_input_may_be_written_to(call: int) -> None:
    exact = Writing(call)
    with pytest.raises(WrongAnswer, match="changes its input: the array that the harness passed was written to"):
        gate_of().before(Answering(), exact)
    assert exact.calls == call  # found at once


class Writing(Answering):
    """Writes to its input, once it has been read, at one call: read-only stops nobody who is determined."""

    def __init__(self, at_call: int) -> None:
        super().__init__()
        self.at_call = at_call

    def __call__(self, x: Any) -> Any:
        """The right answer; at its call, the input is another one afterwards."""
        result = super().__call__(x)
        if self.calls == self.at_call:
            x.flags.writeable = True
            x.flat[0] = 77  # which no case holds; some hold NaN, to which nothing can be added
        return result


def test_the_second_real_input_may_not_be_written_to() -> None:
    with pytest.raises(WrongAnswer, match="changes its input"):
        gate_of().before(Writing(2), None)


@pytest.mark.parametrize("call", [1, 2])
def test_a_real_answer_may_be_off_by_what_is_allowed_and_no_more(call: int) -> None:
    gate = gate_of()
    gate.before(Answering(off_by(1.0, call)), None)
    assert gate.error_ratio == 1.0
    with pytest.raises(
        WrongAnswer, match=r"wrong on real numbers: .*; the error is 2 times what float32 allows"
    ) as refusal:
        gate_of().before(Answering(off_by(-2.0, call)), None)
    assert refusal.value.error_ratio == 2.0


def test_an_error_within_the_bound_does_not_hide_a_later_one_beyond_it() -> None:
    gate = gate_of()
    gate.before(Answering(off_by(0.5, 1)), None)
    with pytest.raises(WrongAnswer) as refusal:
        finish(gate, Answering(), CASES.first.answer.astype(np.float32) + 3)
    assert refusal.value.error_ratio == 3.0


@pytest.mark.parametrize(
    ("bits", "name"), [(7, "bfloat16"), (10, "TensorFloat-32 or float16")], ids=["bfloat16", "tensorfloat"]
)
def test_a_coarser_arithmetic_that_explains_the_error_is_named(bits: int, name: str) -> None:
    def rounded(values: Any) -> Any:
        fraction, exponent = np.frexp(values.astype(np.float64))
        return np.ldexp(np.rint(fraction * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent)

    weight = EXACT_CASES.real.weight
    assert weight is not None

    def coarse(x: Any) -> Any:
        return np.matmul(rounded(weight), rounded(x).reshape(8, 16)).reshape(PROBLEM.output_shape).astype(np.float32)

    with pytest.raises(WrongAnswer, match=f"allows, and what {name} arithmetic gives$"):
        gate_of(EXACT_CASES).before(coarse, None)


@pytest.mark.parametrize(("error", "named"), [(0.5, True), (1.0, True), (1.5, False)])
def test_a_cause_is_named_where_the_result_is_within_the_bound_of_it(error: float, named: bool) -> None:
    """The first answer once more, but for an error of which 1 is allowed."""

    def replaying(answer: Any, call: int) -> Any:
        return answer if call == 1 else CASES.first.answer.astype(np.float32) + np.float32(error)

    with pytest.raises(WrongAnswer, match="wrong on real numbers: ") as refusal:
        gate_of().before(Answering(replaying), None)
    assert ("this is the answer to the previous input" in str(refusal.value)) is named


@pytest.mark.parametrize(("error", "named"), [(0.5, True), (1.5, False)])
def test_before_a_smooth_activation_as_well(error: float, named: bool) -> None:
    problem, cases = smooth_cases()
    with np.errstate(all="ignore"):
        linear = replace(problem, activation="none")
        sums = reference.answer(linear, cases.integers.inputs, cases.integer.weight, None)
        assert cases.integers.allowed is not None
        result = (sums + error * np.where(np.isfinite(sums), cases.integers.allowed, 0)).astype(np.float32)
    gate = QuestionedGate(Scripted(lambda now: None), problem, cases)
    with pytest.raises(WrongAnswer, match="wrong on small integers: ") as refusal:
        gate.before(Answering(cases=cases), Answering(lambda answer, call: result, cases))
    assert ("the silu is missing" in str(refusal.value)) is named


def test_an_exact_answer_that_was_given_before_is_recognised() -> None:
    def replaying(answer: Any, call: int) -> Any:
        return answer if call == 1 else CASES.integers.answer.astype(np.float32)

    with pytest.raises(WrongAnswer, match=r"precision probe 1 \+ 2\^-12: this is the answer to the previous input"):
        gate_of().before(Answering(), Answering(replaying))


class Reusing(Answering):
    """Writes every result to one buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.buffer = np.zeros(PROBLEM.output_shape, np.float32)

    def __call__(self, x: Any) -> Any:
        """The right answer, in the one buffer."""
        self.buffer[...] = super().__call__(x)
        return self.buffer


def test_a_result_that_is_overwritten_is_declared() -> None:
    with pytest.raises(WrongAnswer, match='declares output "fresh", but a later call overwrites its result'):
        gate_of(output="fresh").before(Reusing(), None)
    gate_of(output="reused").before(Reusing(), None)
    gate_of(output="fresh").before(Answering(), None)


# --- after the timing ---------------------------------------------------------------------------------------------


def test_a_right_layer_is_asked_four_times_more_and_its_inputs_are_put_back(asked: Asked) -> None:
    gate, layer = gate_of(), Answering()
    inputs = finish(gate, layer)
    assert layer.calls == 4  # the timed input twice, a second one, and the second one's values in the timed array
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
        finish(gate_of(), Answering(off_by(2.0, 4)))


def test_a_copy_that_the_harness_cannot_reach_is_not_given_new_values() -> None:
    inputs, layer = Inputs(CASES.first.inputs), Answering()
    own = tuple(each.copy() for each in inputs.arrays)
    gate_of().after(layer, own, CASES.first.answer.astype(np.float32), inputs)
    assert layer.calls == 3


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
    results = {"last": first, "repeated": first, "second": second, "fresh": first, "oddest": first + 3}
    gate = Gate(PROBLEM, CASES, Declared())
    gate.after(results.__getitem__, renewed=False, last=None)
    with pytest.raises(WrongAnswer, match="wrong in one of many calls on one input: "):
        gate.after(results.__getitem__, renewed=False, last=None, odd=True)


# --- half precision -----------------------------------------------------------------------------------------------


def test_the_integers_of_half_precision_are_compared_exactly_and_named_after_rounding() -> None:
    """bfloat16: NumPy alone does not compute with it. A bias that is forgotten is found among rounded candidates."""
    problem = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, dtype="bfloat16", bias=True)
    cases = CaseSet.of(problem, seed=2)
    layer = Answering(cases=cases)
    bias = cases.integer.bias
    assert bias is not None
    assert np.isfinite(bias.astype(np.float32)).all()  # or the answer would not tell what it is without

    def forgetful(x: Any) -> Any:
        return (layer(x).astype(np.float32) - bias.astype(np.float32)[:, None, None]).astype(x.dtype)

    backend = Scripted(lambda call: None)
    timed = Answering(cases=cases)
    QuestionedGate(backend, problem, cases).before(timed, Answering(cases=cases))
    with pytest.raises(WrongAnswer, match="wrong on small integers: the bias is missing"):
        QuestionedGate(backend, problem, cases).before(timed, forgetful)
