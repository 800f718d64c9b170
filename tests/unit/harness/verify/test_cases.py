"""The cases of a problem: their cheaper ways to the answers against the reference, and what they must show."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
from examined_cases import check_exact, check_extreme, check_reals
from hypothesis import example, given, settings, strategies as st

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS, Direction, Dtype, Layout
from pointwise_bench.suites.harness.memory.input_windows import content
from pointwise_bench.suites.harness.verify.cases import CaseSet


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


def test_gradients_of_weights_have_no_weights_and_no_bias() -> None:
    problem = Problem.parse("n2c3h4w4-o2-bias-backward-weight")
    made = CaseSet.of(problem, seed=1)
    assert made.real.weight is made.real.bias is made.integer.weight is None
    assert made.first.answer.shape == (2, 4)  # the bias' gradient is the last column
    assert [each.shape for each in made.first.inputs] == [(2, 3, 4, 4), (2, 2, 4, 4)]


def test_an_answer_that_was_changed_on_the_way_would_be_seen() -> None:
    """The control of the property above: one unit in the last place of one element is not the reference's."""
    made = CaseSet.of(SMALL, seed=1)
    place = int(np.flatnonzero(np.isfinite(made.integers.answer))[3])  # not in a row with an odd weight
    made.integers.answer.flat[place] = np.nextafter(made.integers.answer.flat[place], np.inf)
    with pytest.raises(AssertionError):
        check_exact(SMALL, made.integer, made.integers)


# --- the inputs of timed calls ------------------------------------------------------------------------------------

BENT = Problem(batch=2, in_channels=300, out_channels=24, height=5, width=4, groups=2, bias=True, activation="relu6")
ADDED = Problem(batch=2, in_channels=40, out_channels=24, height=6, width=5, groups=2, add=True)


def held(problem: Problem) -> list[Any]:
    """What the blocks hold of which timed calls are given parts."""
    return [content(pool, (3, 105)) for pool in CaseSet.of(problem, 5).pools]


def test_the_inputs_of_timed_calls_keep_the_size_that_they_had_before_other_activations() -> None:
    none, silu = (held(replace(BENT, activation=each))[0] for each in ("none", "silu"))
    assert np.std(none) == pytest.approx(1, rel=0.05)
    assert np.std(silu) == pytest.approx(1 / 16, rel=0.05)  # 150 terms


def test_the_residuals_of_timed_calls_are_about_as_large_as_sums() -> None:
    """Of 20 terms; before SiLU the inputs are made smaller, by a power of two, and the residual is not."""
    none, silu = (held(replace(ADDED, activation=each)) for each in ("none", "silu"))
    assert np.std(none[1]) == pytest.approx(4, rel=0.05)
    assert np.std(silu[0]) == pytest.approx(0.125, rel=0.05)
    assert np.std(silu[1]) == pytest.approx(0.5, rel=0.05)


@pytest.mark.parametrize("dtype", get_args(Dtype))
def test_the_inputs_of_timed_calls_are_about_zero_and_use_all_digits_of_their_type(dtype: Any) -> None:
    (pool,) = CaseSet.of(Problem.parse("n2c16h9w9-o8") if dtype == "float32" else replace(BENT, dtype=dtype), 5).pools
    wide = pool.astype(np.float64)
    assert abs(wide.mean()) < 0.1 * wide.std()
    assert (wide.astype(np.float32) == wide).all() == (dtype != "float64")
