"""The cases of a problem: their cheaper ways to the answers against the reference, and what they must show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import example, given, settings, strategies as st

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS, Direction, Dtype, Layout
from pointwise_bench.suites.harness.verify import error_bounds as bounds
from pointwise_bench.suites.harness.verify.cases import CaseSet
from pointwise_bench.suites.harness.verify.drawing import Case
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.reference import activated, answer, magnitudes


@st.composite
def any_problem(draw: st.DrawFn) -> Problem:
    groups, small = draw(st.sampled_from([1, 1, 2, 3])), st.integers(1, 9)
    direction = draw(st.sampled_from(get_args(Direction)))
    return Problem(
        batch=draw(st.integers(0, 3)),
        in_channels=groups * draw(small | st.integers(300, 600)),
        out_channels=groups * draw(small),
        height=draw(small),
        width=draw(small),
        stride=draw(st.integers(1, 4)),
        groups=groups,
        bias=draw(st.booleans()),
        add=direction == "forward" and draw(st.booleans()),
        activation=draw(st.sampled_from(ACTIVATIONS)) if direction == "forward" else "none",
        dtype=draw(st.sampled_from(get_args(Dtype))),
        layout=draw(st.sampled_from(get_args(Layout))),
        direction=direction,
    )


@pytest.mark.filterwarnings("ignore:invalid value encountered")
# 200 examples: of the 12 pairs of direction and dtype, which decide the arithmetic, each comes up 17 times on average,
# and one is missed with a chance of (11/12)^200 = 3e-8; a fault in one layout or stride of a pair is met in most runs.
@settings(max_examples=200, deadline=None, database=None)
@given(problem=any_problem(), seed=st.integers(0, 2**16))
# A large bias and residual beside a small product: by their roundings the bound had been 1.03e-7 of itself too small.
@example(problem=Problem.parse("n1c2h6w3-o6-s2-g2-bias-add-relu"), seed=2)
def test_every_answer_of_an_examination_is_the_references(problem: Problem, seed: int) -> None:
    made = CaseSet.of(problem, seed)
    for case in (made.first, made.second):
        check_reals(problem, made.real, case)
    for case in (made.faint, made.loud):
        check_extreme(problem, made.real, case)
    for case in (made.integers, made.probe, made.poisoned):
        check_exact(problem, made.integer, case)


@pytest.mark.parametrize(
    "text", ["n2c64h30w30-o40", "n1c300h20w20-o64-bias-relu", "n3c50h33w33-o60-s2-backward-weight"]
)
def test_work_that_is_shared_between_threads_is_the_same(text: str) -> None:
    problem = Problem.parse(text)
    made = CaseSet.of(problem, seed=1)
    check_reals(problem, made.real, made.second)
    check_exact(problem, made.integer, made.integers)


def check_form(problem: Problem, case: Case) -> None:
    assert [each.shape for each in case.inputs] == list(problem.input_shapes)
    assert all(each.dtype == np.dtype(problem.dtype) and each.flags.c_contiguous for each in case.inputs)


def check_exact(problem: Problem, weights: Weights, case: Case) -> None:
    """Equal to the last bit, and numbers of the problem's own dtype. So are the sums before a smooth activation."""
    check_form(problem, case)
    if problem.activation in bounds.OWN_ROUNDOFFS:
        sums = answer(replace(problem, activation="none"), case.inputs, weights.weight, weights.bias)
        assert case.allowed is not None
        assert np.isinf(case.allowed[sums == -np.inf]).all()
        right = activated(problem.activation, sums)
        judged = sums != -np.inf
        assert np.array_equal(case.answer[judged], right[judged], equal_nan=True)
        largest = bounds.OWN_ROUNDOFFS[problem.activation] * 2 * bounds.UNIT_ROUNDOFF[problem.dtype] + 2.0**-24
        finite = np.isfinite(sums)
        assert (case.allowed[finite] <= largest * abs(sums[finite])).all()
        return
    expected = answer(problem, case.inputs, weights.weight, weights.bias)
    assert case.answer.shape == expected.shape
    assert np.array_equal(case.answer, expected, equal_nan=True)
    assert np.array_equal(expected.astype(problem.dtype).astype(np.float64), expected, equal_nan=True)
    assert case.allowed is None


def check_reals(problem: Problem, weights: Weights, case: Case) -> None:
    """Equal up to float64's rounding; the bound never below the plain one, and above it by no more than it says."""
    check_form(problem, case)
    expected = answer(problem, case.inputs, weights.weight, weights.bias)
    sizes = magnitudes(problem, case.inputs, weights.weight, weights.bias)
    sums = answer(replace(problem, activation="none"), case.inputs, weights.weight, weights.bias)
    assert (abs(case.answer - expected) <= 1e-14 * sizes).all()
    of_product = case.inputs[:1] if problem.add else case.inputs
    before = answer(replace(problem, activation="none", add=False), of_product, weights.weight, weights.bias)
    least = bounds.allowed(problem, sizes, expected, sums, before)
    assert case.allowed is not None
    assert (case.allowed >= least * (1 - 1e-7)).all()  # float32's digits
    assert (case.allowed <= least * (1 + 3 * bounds.UNIT_ROUNDOFF[problem.dtype] + 2.0**-20)).all()


def check_extreme(problem: Problem, weights: Weights, case: Case) -> None:
    """Equal up to float64's rounding, or as little as may be lost of a small number; overflown where the dtype is."""
    check_form(problem, case)
    with np.errstate(all="ignore"):
        expected = answer(problem, case.inputs, weights.weight, weights.bias)
        stored = expected.astype(problem.dtype).astype(np.float64)
        expected = np.where(np.isinf(stored), stored, expected)
        assert case.allowed is not None
        own = 0.5 if problem.dtype == "float64" else 1e-6  # float64's rounding, as a part of what is allowed
        near = abs(case.answer - expected) <= 1e-13 * abs(expected) + own * case.allowed
    free = np.isinf(case.allowed) & np.isfinite(case.answer)  # what is judged by nothing
    assert problem.activation in bounds.OWN_ROUNDOFFS or problem.bias or not free.any()
    odd = ~np.isfinite(expected) & ~free
    near |= free
    assert np.array_equal(case.answer[odd], expected[odd], equal_nan=True)
    assert near[~odd].all()


@pytest.mark.parametrize("direction", get_args(Direction))
@pytest.mark.parametrize("layout", get_args(Layout))
def test_every_place_of_the_second_input_is_new(direction: Any, layout: Any) -> None:
    """A backend that answers the first input once more is far off everywhere."""
    for batch, height in ((1, 1), (1, 2), (2, 1), (3, 4)):
        problem = Problem(batch=batch, in_channels=4, out_channels=3, height=height, width=height, layout=layout,
                          direction=direction)  # fmt: skip
        made = CaseSet.of(problem, seed=1)
        assert made.first.allowed is not None
        assert not np.array_equal(made.first.inputs[0], made.second.inputs[0])
        assert (abs(made.first.answer - made.second.answer) > 100 * made.first.allowed).mean() > 0.9


@pytest.mark.parametrize("dtype", get_args(Dtype))
def test_integers_reach_every_channel_where_there_are_pixels_enough(dtype: Any) -> None:
    problem = Problem(batch=2, in_channels=2048, out_channels=8, height=8, width=8, dtype=dtype)
    made = CaseSet.of(problem, seed=1)
    assert (made.integers.inputs[0].astype(np.float64) != 0).any(axis=(0, 2, 3)).all()
    assert made.integer.weight is not None
    assert (made.integer.weight.astype(np.float64) == 0).sum() == 1  # which an infinite input meets
    assert (made.first.inputs[0].astype(np.float64) != 0).all()


# --- what a case must be able to show -----------------------------------------------------------------------------

SMALL = Problem(batch=2, in_channels=6, out_channels=4, height=5, width=4, stride=2, groups=2, bias=True)


def test_the_same_seed_asks_the_same_and_another_one_something_else() -> None:
    one, again, other = (CaseSet.of(SMALL, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.first.inputs[0], again.first.inputs[0])
    assert one.real.weight is not None
    assert again.real.weight is not None
    assert np.array_equal(one.real.weight, again.real.weight)
    assert not np.array_equal(one.first.inputs[0], other.first.inputs[0])
    assert not np.array_equal(one.first.inputs[0], CaseSet.of(Problem.parse("n2c6h5w4-o4"), 1).first.inputs[0])


def test_a_probe_is_one_term_of_each_sum_that_walks_over_all_channels() -> None:
    """1 + 2^-12 in float32; 2 images x 2 groups x 6 pixels meet each of the 3 channels of a group."""
    probe = CaseSet.of(SMALL, seed=1).probe
    (x,) = probe.inputs
    read = x[:, :, ::2, ::2].reshape(2, 2, 3, -1)
    assert set(np.unique(x)) == {0.0, 1.0 + 2.0**-12}
    assert ((read != 0).sum(axis=2) == 1).all()
    assert (read != 0).any(axis=(0, 1, 3)).all()
    skipped = np.ones(x.shape, bool)
    skipped[:, :, ::2, ::2] = False
    assert (x[skipped] == 0).all()


def test_poison_is_at_both_ends_and_in_the_middle_and_wherever_nobody_reads() -> None:
    poisoned = CaseSet.of(SMALL, seed=1).poisoned
    (x,) = poisoned.inputs
    columns = x[:, :, ::2, ::2].reshape(2, 6, 6)
    assert np.isnan(columns[0, 0, 0])
    assert np.isnan(columns[0, 0, 3])
    assert np.isinf(columns[1, 5, 5])
    assert np.isinf(columns[1, 5, 2])
    assert np.isfinite(columns).sum() == columns.size - 4
    assert np.isnan(x[:, :, 1::2]).all()
    assert np.isnan(x[:, :, :, 1::2]).all()
    # Of the answer, four columns of a group are poisoned and no other: those sums have two rows each.
    assert (~np.isfinite(poisoned.answer)).sum() == 8


@pytest.mark.parametrize(
    ("dtype", "largest"), [("float16", 2**11), ("bfloat16", 2**8), ("float32", 2**24), ("float64", 2**53)]
)
def test_integers_stay_where_the_dtype_holds_every_one(dtype: Any, largest: int) -> None:
    """With as many terms as float32 can add up exactly: 4 * 8 * 4096 is far below 2^24, and above 2^11."""
    problem = Problem(batch=1, in_channels=4096, out_channels=4, height=3, width=3, bias=True, dtype=dtype)
    answer = CaseSet.of(problem, seed=1).integers.answer
    answer = answer[np.isfinite(answer)]  # a few rows have odd weights
    assert abs(answer).max() <= largest
    assert (answer == np.rint(answer)).all()
    assert len(np.unique(answer)) > 10  # and they are numbers that differ


def test_sums_that_could_not_be_exact_are_an_error_and_no_wrong_answer() -> None:
    """Half a million terms of up to 32 are 2^24."""
    problem = Problem(batch=1, in_channels=2**19, out_channels=1, height=1, width=1)
    with pytest.raises(AssertionError, match="no longer exact"):
        CaseSet.of(problem, seed=1)


def test_gradients_of_weights_have_no_weights_and_no_bias() -> None:
    problem = Problem.parse("n2c3h4w4-o2-bias-backward-weight")
    made = CaseSet.of(problem, seed=1)
    assert made.real.weight is made.real.bias is made.integer.weight is None
    assert made.first.answer.shape == (2, 4)  # the bias' gradient is the last column
    assert [each.shape for each in made.first.inputs] == [(2, 3, 4, 4), (2, 2, 4, 4)]


def test_an_answer_that_was_changed_on_the_way_would_be_seen() -> None:
    """The control of the property above: one unit in the last place of one element is not the reference's."""
    made = CaseSet.of(SMALL, seed=1)
    made.integers.answer.flat[3] = np.nextafter(made.integers.answer.flat[3], np.inf)
    with pytest.raises(AssertionError):
        check_exact(SMALL, made.integer, made.integers)
