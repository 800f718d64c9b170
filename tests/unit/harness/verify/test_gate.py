"""What the gate asks before the timing, in which order, and what it says of layers that are wrong at one call each.

Whole wrong backends are in tests/gate; here every single check is reached. What it asks later is in the next file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from answering_layers import (
    CASES,
    Alter,
    Answering,
    Asked,
    Reusing,
    Writing,
    finish,
    gate_of,
    off_by,
    without_checks_by_time,
)
from questioned_gate import QuestionedGate
from scripted_backend import CASES as EXACT_CASES, PROBLEM, Scripted

from pointwise_bench import Problem
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import error_bounds, reference
from pointwise_bench.suites.harness.verify.cases import CaseSet


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """The checks by time have tests of their own; here is seen that they are asked, and with what."""
    return without_checks_by_time(monkeypatch)


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


def test_a_result_that_is_overwritten_is_declared() -> None:
    with pytest.raises(WrongAnswer, match='declares output "fresh", but a later call overwrites its result'):
        gate_of(output="fresh").before(Reusing(), None)
    gate_of(output="reused").before(Reusing(), None)
    gate_of(output="fresh").before(Answering(), None)


# --- half precision -----------------------------------------------------------------------------------------------


def test_the_integers_of_half_precision_are_compared_exactly_and_named_after_rounding() -> None:
    """bfloat16: NumPy alone does not compute with it. A bias that is forgotten is found among rounded candidates."""
    problem = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, dtype="bfloat16", bias=True)
    cases = CaseSet.of(problem, seed=2)
    weight = cases.integer.weight
    assert weight is not None

    def forgetful(x: Any) -> Any:
        return reference.answer(problem, (x,), weight, None).astype(x.dtype)

    backend = Scripted(lambda call: None)
    timed = Answering(cases=cases)
    QuestionedGate(backend, problem, cases).before(timed, Answering(cases=cases))
    with pytest.raises(WrongAnswer, match="wrong on small integers: the bias is missing"):
        QuestionedGate(backend, problem, cases).before(timed, forgetful)
