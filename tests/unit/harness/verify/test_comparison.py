"""How far a result is from an answer: in units of what is allowed at each place, and never by a number that is none."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.backends.problem import Activation
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import comparison
from pointwise_bench.suites.harness.verify.comparison import Comparison, equal, plain
from pointwise_bench.suites.harness.verify.drawing import Case

PROBLEM = Problem(batch=1, in_channels=8, out_channels=2, height=1, width=2)
ANSWER = np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]])


def case(allowed: list[float]) -> Case:
    return Case((), ANSWER, np.reshape(allowed, ANSWER.shape).astype(np.float32))


def result(place: int, value: float) -> np.ndarray:
    changed = ANSWER.astype(np.float32)
    changed.flat[place] = value
    return changed


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        (0, 1.5, 0.5),
        (0, 0.5, 0.5),
        (0, 2.0, 1.0),
        (0, 2.5, 1.5),
        (1, 4.0, 4.0),
        (3, 4.0, 0.0),
        (2, np.nan, np.inf),
        (2, np.inf, np.inf),
    ],
)
def test_the_error_is_the_largest_share_of_what_is_allowed(place: int, value: float, expected: float) -> None:
    compared = Comparison(PROBLEM, "own")
    assert compared.error(result(place, value), case([1.0, 0.5, 1.0, 1.0])) == pytest.approx(expected)
    assert compared.is_far(result(place, value), case([1.0, 0.5, 1.0, 1.0])) == (expected > 1)


@pytest.mark.parametrize(("value", "expected"), [(2.0, 0.0), (2.0 + 2**-20, np.inf)])
def test_where_nothing_is_allowed_the_answer_must_be_met(value: float, expected: float) -> None:
    assert Comparison(PROBLEM, "own").error(result(1, value), case([1.0, 0.0, 1.0, 1.0])) == expected


@pytest.mark.parametrize(
    ("activation", "expected", "got", "right"),
    [
        ("gelu", np.inf, np.nan, True),  # the polynomial of an error function times an exponential that is zero
        ("gelu", np.inf, np.inf, True),
        ("gelu", np.inf, -np.inf, False),
        ("gelu", np.inf, 3e38, False),  # clipped
        ("gelu", np.nan, np.inf, False),
        ("gelu", 1.0, np.nan, False),
        ("gelu", -np.inf, np.inf, False),
        ("none", -np.inf, 0.0, False),
        ("silu", np.inf, np.nan, False),
        ("none", np.inf, np.nan, False),
    ],
)
def test_gelu_alone_may_make_nan_of_infinity(activation: Activation, expected: float, got: float, right: bool) -> None:
    answer = np.full(1, expected)
    extreme = Case((), answer, np.ones(1, np.float32), extreme=True)
    compared = Comparison(replace(PROBLEM, activation=activation), "own")
    with np.errstate(all="ignore"):  # as the gate has it
        assert compared.is_far(np.full(1, got, np.float32), extreme) == (not right)


@pytest.mark.parametrize("block", [1, 3, 4, 100])
def test_every_block_of_elements_counts(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparison, "BLOCK", block)
    compared = Comparison(PROBLEM, "own")
    for place in range(4):
        assert compared.error(result(place, ANSWER.flat[place] + 3.0), case([1.0] * 4)) == pytest.approx(3.0)
        assert compared.error(result(place, np.nan), case([1.0] * 4)) == np.inf


def test_where_anything_is_allowed_there_is_no_error() -> None:
    extreme = replace(case([1.0, np.inf, 1.0, 1.0]), extreme=True)
    assert Comparison(PROBLEM, "own").error(result(1, 99.0), extreme) == 0.0
    assert Comparison(PROBLEM, "own").error(result(1, np.nan), extreme) == 0.0


@pytest.mark.parametrize("shape", [(1, 2, 1, 1), (1, 2, 2, 1), (1, 2, 1, 3), (4,)])
def test_a_result_of_another_shape_is_compared_with_nothing(shape: tuple[int, ...]) -> None:
    with pytest.raises(AssertionError, match="beside"):
        Comparison(PROBLEM, "own").error(np.ones(shape, np.float32), case([1.0] * 4))


def test_another_answer_has_the_same_bounds() -> None:
    compared, other = Comparison(PROBLEM, "own"), ANSWER + 1.0
    assert compared.error_from(ANSWER.astype(np.float32), other, case([2.0] * 4)) == pytest.approx(0.5)


def test_no_elements_make_no_error() -> None:
    nothing = np.zeros((0, 2, 1, 2), np.float32)
    assert Comparison(PROBLEM, "own").error(nothing, Case((), nothing, nothing)) == 0.0


def test_a_declared_reduced_arithmetic_has_wider_bounds_and_says_so() -> None:
    """Eight terms: 8 * 2^-24 of their sizes, to a millionth; operands rounded to 2^-11 add 2^-10 + 2^-22."""
    own, reduced = Comparison(PROBLEM, "own"), Comparison(PROBLEM, "tf32")
    assert own.error(result(0, 1.5), case([1.0] * 4)) == 0.5
    wider = 1 + (2**-10 + 2**-22) / (8 * 2**-24)
    assert reduced.error(result(0, 1.5), case([1.0] * 4)) == pytest.approx(0.5 / wider, rel=1e-5)
    assert (own.rule, reduced.rule) == ("float32", "tf32 with sums in float32")


def test_an_arithmetic_without_a_bound_is_refused() -> None:
    with pytest.raises(WrongAnswer, match='declares arithmetic "fp8", for which no bound is known: own, tf32'):
        Comparison(PROBLEM, "fp8")


def test_equal_means_every_element_and_nan_where_nan_is() -> None:
    assert equal(np.array([1.0, np.nan]), np.array([1.0, np.nan]))
    assert not equal(np.array([1.0, np.nan]), np.array([1.0, 2.0]))
    assert not equal(np.array([1.0, 2.0]), np.array([1.0]))


def test_half_precision_is_compared_in_float32_and_after_rounding() -> None:
    half = np.array([1 + 2**-7], ml_dtypes.bfloat16)
    assert plain(half).dtype == np.float32
    problem = Problem(batch=1, in_channels=8, out_channels=1, height=1, width=1, dtype="bfloat16")
    assert Comparison(problem, "own").rounds_to(plain(half), np.array([1 + 2**-7 + 2**-12]))
    assert not Comparison(problem, "own").rounds_to(plain(half), np.array([1.0]))
