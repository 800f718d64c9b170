"""The error that correct arithmetic may make: numbers by hand, and what falls on either side of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from places import ROOT

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify.drawn.integers import LARGEST_BIAS, LARGEST_WEIGHT
from pointwise_bench.suites.harness.verify.error_bounds import (
    EXACT_INTEGERS,
    OWN_ROUNDOFFS,
    PROBE_BITS,
    STEEPEST,
    UNIT_ROUNDOFF,
    allowed,
    allowed_error,
    allowed_of_activation,
    cannot_judge,
    gamma,
    has_bound,
    rule,
    widening,
)
from pointwise_bench.suites.harness.verify.reference import activated, magnitudes, pointwise

LENGTHS = [1, 2, 32, 256, 1024, 4096]


def problem_of(length: int, **changed: Any) -> Problem:
    return replace(Problem(batch=1, in_channels=length, out_channels=64, height=8, width=8), **changed)


@pytest.mark.parametrize(
    ("length", "dtype", "expected"),
    [
        # One product: u / (1 - u), where u = 2^-24 = 5.9604644775390625e-08. Each with the reference's own 2^-53 of it.
        (1, "float32", 5.960464832810452e-08 + 1.1102230246251568e-16),
        # gamma_32 = 32 u / (1 - 32 u) is a trifle over 32 u, so from here on the cap of 32 u holds.
        (32, "float32", 1.9073486328125e-06 + 3.552713678800501e-15),
        (4096, "float32", 1.9073486328125e-06 + 3.552713678800501e-15),
        # A float64 problem is judged by a float64 reference, whose error counts as much again.
        (1, "float64", 2 * 1.1102230246251568e-16),
        # Sums of half precision products are float32 sums.
        (32, "float16", 1.9073486328125e-06 + 3.552713678800501e-15),
        (1, "bfloat16", 5.960464832810452e-08 + 1.1102230246251568e-16),
        (4096, "float64", 2 * 3.552713678800501e-15),
    ],
)
def test_allowed_error_by_hand(length: int, dtype: Any, expected: float) -> None:
    assert allowed_error(problem_of(length, dtype=dtype)) == pytest.approx(expected, rel=1e-12, abs=0)


def test_below_the_cap_every_term_adds_a_rounding() -> None:
    errors = [allowed_error(problem_of(length)) for length in (1, 2, 4, 8, 16, 31, 32, 64)]
    assert errors == sorted(errors)
    assert len(set(errors)) == 7  # the last two are both at the cap
    assert errors[1] == pytest.approx(2 * errors[0], rel=1e-6)


def test_the_bias_is_one_more_term() -> None:
    assert allowed_error(problem_of(4, bias=True)) == allowed_error(problem_of(5))
    assert allowed_error(problem_of(5, bias=True)) == allowed_error(problem_of(6))


def test_words_are_compared_by_value() -> None:
    """As those of a problem that is read from a file: equal, but not the same objects."""
    dtype, direction, own = ("".join(parts) for parts in (("float", "32"), ("for", "ward"), ("o", "wn")))
    none: Any = "".join(("no", "ne"))
    read = problem_of(4, bias=True, dtype=dtype, direction=direction)
    assert allowed_error(read) == allowed_error(problem_of(5))
    assert allowed(read, np.array([2.0]), np.array([-3.0])) == 2 * allowed_error(problem_of(5))
    assert widening(read, own) == 1.0
    assert rule(dtype, own) == "float32"
    assert cannot_judge(replace(read, activation=none, direction="backward-input")) is None
    assert cannot_judge(replace(read, activation="relu")) is None


def test_groups_shorten_the_sum() -> None:
    assert allowed_error(problem_of(32, groups=8)) == allowed_error(problem_of(4))


def test_gamma_by_hand() -> None:
    assert gamma(1, 0.25) == pytest.approx(1 / 3)
    assert gamma(2, 0.25) == pytest.approx(1.0)


@pytest.mark.parametrize("dtype", UNIT_ROUNDOFF)
def test_the_table_is_what_the_types_are(dtype: Any) -> None:
    bits = int(ml_dtypes.finfo(dtype).nmant)
    assert UNIT_ROUNDOFF[dtype] == 2.0 ** -(bits + 1)
    assert EXACT_INTEGERS[dtype] == 2 ** (bits + 1)


@pytest.mark.parametrize("dtype", UNIT_ROUNDOFF)
def test_the_probe_is_exact_in_its_type_and_lost_in_the_next_coarser(dtype: str) -> None:
    probe = 1.0 + 2.0 ** -PROBE_BITS[dtype]
    for weight in range(1, LARGEST_WEIGHT[dtype] + 1):
        for bias in range(-LARGEST_BIAS[dtype], LARGEST_BIAS[dtype] + 1):
            assert float(np.dtype(dtype).type(weight * probe + bias)) == weight * probe + bias
    coarser: Any = {
        "float32": np.float16,
        "float64": np.float32,
        "float16": ml_dtypes.bfloat16,
        "bfloat16": ml_dtypes.float8_e4m3,
    }[dtype]
    assert float(coarser(probe)) == 1.0


def test_what_cannot_be_judged_says_so() -> None:
    for dtype in UNIT_ROUNDOFF:
        assert has_bound(problem_of(8, dtype=dtype))
    for direction in ("backward-input", "backward-weight"):
        assert has_bound(problem_of(8, direction=direction, bias=True))
        assert not has_bound(problem_of(8, direction=direction, activation="relu"))
    assert "needs the forward result" in str(cannot_judge(problem_of(8, direction="backward-input", activation="relu")))


def test_a_forward_layer_with_an_activation_is_judged_and_a_dtype_without_a_bound_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert cannot_judge(problem_of(8, activation="relu")) is None
    monkeypatch.delitem(UNIT_ROUNDOFF, "float16")  # as if it had been added to the problem alone
    assert cannot_judge(problem_of(8, dtype="float16")) == "no bound is known for float16"
    assert not has_bound(problem_of(8, dtype="float16"))


@pytest.mark.parametrize(
    ("dtype", "arithmetic", "words"),
    [
        ("float16", "own", "float16 with sums in float32"),
        ("bfloat16", "own", "bfloat16 with sums in float32"),
        ("float32", "own", "float32"),
        ("float64", "own", "float64"),
        ("float32", "tf32", "tf32 with sums in float32"),
        ("float32", "bf16", "bf16 with sums in float32"),
    ],
)
def test_the_arithmetic_is_named_in_words(dtype: str, arithmetic: str, words: str) -> None:
    assert rule(dtype, arithmetic) == words


def test_operands_of_reduced_arithmetic_add_to_the_error_of_the_sum() -> None:
    """Each of two is off by 2^-11: 2 * 2^-11 + 2^-22. One term in float32: 2^-24, and 2^-53 of the reference."""
    wider = 1 + (2.0**-10 + 2.0**-22) / (2.0**-24 / (1 - 2.0**-24) + 2.0**-53)
    assert widening(problem_of(1), "tf32") == pytest.approx(wider, rel=1e-12)
    assert widening(problem_of(1), "own") == 1.0
    assert widening(problem_of(1, batch=0, direction="backward-weight"), "tf32") == 1.0  # a sum without terms
    with pytest.raises(KeyError):
        widening(problem_of(1), "int3")


def test_gradients_have_reductions_of_their_own() -> None:
    """Over the output channels of a group, and over the pixels of all images; the bias is no term of either."""
    sizes: dict[str, Any] = {"batch": 2, "out_channels": 6, "groups": 2, "height": 1, "width": 2, "bias": True}
    assert allowed_error(problem_of(20, direction="backward-input", **sizes)) == allowed_error(problem_of(3))
    assert allowed_error(problem_of(20, direction="backward-weight", **sizes)) == allowed_error(problem_of(4))


def test_a_stored_half_may_be_off_by_its_own_rounding() -> None:
    problem = problem_of(4, dtype="bfloat16")
    of_sums = allowed_error(problem)
    limits = allowed(problem, np.array([1.0, 0.0]), np.array([-3.0, 0.0]))
    assert limits[0] == pytest.approx((1 + 2.0**-8) * of_sums + 3 * 2.0**-8 + 2.0**-133, rel=1e-12)
    assert limits[1] == 0  # no terms, no error
    assert allowed(problem_of(4), np.array([2.0]), np.array([-3.0])) == 2 * allowed_error(problem_of(4))


def test_a_residual_is_one_more_term_and_in_a_half_the_sum_before_it_may_be_stored() -> None:
    """Eight terms, a bias and a residual are ten. Who adds behind the product has rounded 2.5 to the type."""
    assert allowed_error(problem_of(8, bias=True, add=True)) == allowed_error(problem_of(10))
    added = problem_of(8, add=True, dtype="bfloat16")
    (limit,) = allowed(added, np.array([4.0]), np.array([-3.0]), before=np.array([2.5]))
    before = (1 + 2.0**-8) * 4 * allowed_error(problem_of(9)) + 2.5 * 2.0**-8 + 2.0**-133
    assert limit == pytest.approx((1 + 2.0**-8) * before + 3 * 2.0**-8 + 2.0**-133, rel=1e-12)
    wide = problem_of(8, add=True)
    assert allowed(wide, np.array([4.0]), np.array([-3.0])) == 4 * allowed_error(problem_of(9))


@pytest.mark.parametrize("activation", STEEPEST)
def test_no_slope_is_steeper_than_what_an_activation_is_said_to_enlarge_and_one_nearly_is(activation: str) -> None:
    points = np.linspace(-8, 8, 160_001)
    slopes = abs(np.diff(activated(activation, points.copy())) / np.diff(points))
    assert slopes.max() <= STEEPEST[activation] * (1 + 1e-9)
    assert slopes.max() > 0.999 * STEEPEST[activation]


def test_what_is_allowed_behind_an_activation() -> None:
    """The sum's error times the slope, and the activation's own rounding of what it is given."""
    problem = problem_of(4, activation="silu")
    limits = allowed(problem, np.array([5.0]), np.array([2.9]), np.array([3.0]))
    own = 8 * (2.0**-24 + 2.0**-53) * 3
    assert limits[0] == pytest.approx(1.0999 * 5 * allowed_error(problem_of(4)) + own, rel=1e-12)
    assert allowed_of_activation(problem, np.array([2.9]), np.array([3.0]))[0] == pytest.approx(own, rel=1e-12)
    assert allowed_of_activation(problem, np.array([0.0]), np.array([-np.inf]))[0] == np.inf
    cut = problem_of(4, activation="relu6")
    assert allowed(cut, np.array([5.0]), np.array([3.0]), np.array([3.0])) == 5 * allowed_error(problem_of(4))
    assert allowed(cut, np.array([1e30]), np.array([6.0]), np.array([1e29])) == 6


def test_of_exact_sums_zero_is_exact_and_minus_infinity_is_free_whatever_the_answer_is_called() -> None:
    sums, answer = np.array([0.0, -np.inf, -np.inf, 3.0]), np.array([0.0, 0.0, np.nan, 2.9])
    for dtype in ("float16", "bfloat16", "float32", "float64"):
        problem = problem_of(4, activation="silu", dtype=dtype)
        assert allowed_of_activation(problem, answer, sums)[:3].tolist() == [0.0, np.inf, np.inf]
    # In float64 the reference rounds as the layer does.
    assert allowed_of_activation(problem, answer, sums)[3] == 8 * 2.0**-52 * 3


def test_a_smooth_activation_that_is_not_fused_is_given_a_stored_half() -> None:
    stored, own = 3 * 2.0**-8 + 2.0**-133, 8 * (2.0**-24 + 2.0**-53) * 3
    problem = problem_of(4, activation="gelu", dtype="bfloat16")
    of_sums = 5 * allowed_error(problem)
    behind = 1.1290 * (of_sums * (1 + 2.0**-8) + stored) + own
    limits = allowed(problem, np.array([5.0]), np.array([2.9]), np.array([3.0]))
    assert limits[0] == pytest.approx((1 + 2.0**-8) * behind + 2.9 * 2.0**-8 + 2.0**-133, rel=1e-9)
    exact = allowed_of_activation(problem, np.array([2.9]), np.array([3.0]))
    assert exact[0] == pytest.approx((1 + 2.0**-8) * own + 2.9 * 2.0**-8 + 2.0**-133, rel=1e-9)


def test_the_methodology_states_the_slopes_and_the_roundings() -> None:
    said = " ".join((ROOT / "docs" / "METHODOLOGY.md").read_text().split())
    slopes = [STEEPEST[each] for each in ("relu6", "silu", "hardswish", "gelu")]
    assert "larger by the steepest slope: {:g}, {:g}, {:g} and {:.4f}.".format(*slopes) in said
    own = [OWN_ROUNDOFFS[each] for each in ("silu", "hardswish", "gelu")]
    assert "in which {:g}, {:g} and {:g} unit roundoffs of the sum are allowed".format(*own) in said


# --- on either side -----------------------------------------------------------------------------------------------


def operands(problem: Problem, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(problem.input_shape).astype(problem.dtype)
    return x, rng.standard_normal(problem.weight_shape).astype(problem.dtype)


def error_over_bound(problem: Problem, x: Any, weight: Any, y: Any) -> float:
    error = abs(y.reshape(problem.output_shape).astype(np.float64) - pointwise(problem, x, weight, None))
    y_limits = allowed(problem, magnitudes(problem, (x,), weight, None), pointwise(problem, x, weight, None))
    return float((error / y_limits).max())


def one_term_after_another(weight: Any, columns: Any) -> Any:
    """The order of summation that loses most, every sum rounded to the operands' own type."""
    total = np.zeros((weight.shape[0], columns.shape[1]), weight.dtype)
    for c in range(weight.shape[1]):
        total += np.outer(weight[:, c], columns[c])
    return total


def rounded(values: Any, bits: int) -> Any:
    """``values`` with ``bits`` explicit bits of significand, to nearest: 10 is TensorFloat-32, 7 is bfloat16."""
    fraction, exponent = np.frexp(values.astype(np.float64))
    return np.ldexp(np.rint(fraction * 2.0 ** (bits + 1)) / 2.0 ** (bits + 1), exponent).astype(values.dtype)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("summed", [one_term_after_another, np.matmul])
def test_correct_sums_pass_in_any_order(length: int, dtype: Any, summed: Any) -> None:
    problem = problem_of(length, dtype=dtype)
    x, weight = operands(problem, seed=length)
    assert error_over_bound(problem, x, weight, summed(weight, x.reshape(length, 64))) < 1


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("bits", [10, 7], ids=["tensorfloat-32", "bfloat16"])
def test_operands_rounded_to_a_coarser_type_fail(length: int, bits: int) -> None:
    problem = problem_of(length)
    x, weight = operands(problem, seed=length)
    y = pointwise(problem, rounded(x, bits), rounded(weight, bits), None)
    assert error_over_bound(problem, x, weight, y) > 2


def in_float32(weight: Any, columns: Any) -> Any:
    return np.matmul(weight.astype(np.float32), columns.astype(np.float32)).astype(weight.dtype)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_asks_for_sums_in_float32(length: int, dtype: Any) -> None:
    problem = problem_of(length, dtype=dtype)
    x, weight = operands(problem, seed=length)
    columns = x.reshape(length, 64)
    assert error_over_bound(problem, x, weight, in_float32(weight, columns)) < 1
    if length > 1:  # a single product is rounded once in either
        assert error_over_bound(problem, x, weight, one_term_after_another(weight, columns)) > 1
