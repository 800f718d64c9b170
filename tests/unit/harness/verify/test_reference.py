"""The oracle against the formula in exact fractions, read off the definition with no array library."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS
from pointwise_bench.suites.harness.verify.reference import (
    activated,
    answer,
    backward_input,
    backward_weight,
    magnitudes,
    pointwise,
)

AXES: dict[str, tuple[Any, ...]] = {
    "layout": ("nchw", "nhwc"),
    "stride": (1, 2, 3),
    "groups": (1, 2),
    "bias": (False, True),
    "activation": ACTIVATIONS,
    "dtype": ("float32", "float64"),
}
PROBLEMS = [
    Problem(batch=2, in_channels=4, out_channels=6, height=4, width=5, **dict(zip(AXES, values, strict=True)))
    for values in product(*AXES.values())
]
ODD_SHAPES = [
    Problem(batch=1, in_channels=1, out_channels=1, height=1, width=1),
    Problem(batch=1, in_channels=3, out_channels=3, height=2, width=2, groups=3, layout="nhwc"),
    Problem(batch=3, in_channels=2, out_channels=1, height=1, width=6, stride=4),
]


def operands(problem: Problem, seed: int = 1) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(problem.input_shape).astype(problem.dtype)
    weight = rng.standard_normal(problem.weight_shape).astype(problem.dtype)
    bias = rng.standard_normal(problem.out_channels).astype(problem.dtype) if problem.bias else None
    return x, weight, bias


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_a_residual_is_added_before_the_activation_in_the_layout_of_the_result(layout: Any) -> None:
    """Two pixels of two channels by hand: sums 3 + 10, 5 - 2 and -7; and what is no number stays."""
    problem = Problem(batch=1, in_channels=2, out_channels=2, height=1, width=2, activation="relu", layout=layout)
    planes = np.array([[3.0, 5.0], [1.0, 2.0]]), np.array([[10.0, -9.0], [-2.0, np.nan]])  # x, residual
    x, residual = (each.reshape(1, 2, 1, 2) for each in planes)
    x, residual = (x, residual) if layout == "nchw" else (x.transpose(0, 2, 3, 1), residual.transpose(0, 2, 3, 1))
    y = pointwise(problem, x, np.eye(2), None, residual)
    y = y if layout == "nchw" else y.transpose(0, 3, 1, 2)
    assert y[0, :, 0].tolist()[0] == [13.0, 0.0]
    assert y[0, 1, 0, 0] == 0.0
    assert np.isnan(y[0, 1, 0, 1])
    added = replace(problem, add=True)
    assert np.array_equal(
        answer(added, (x, residual), np.eye(2), None), pointwise(problem, x, np.eye(2), None, residual), equal_nan=True
    )
    sizes = magnitudes(added, (x, residual), np.eye(2), None)
    assert sizes.reshape(-1)[0] == 3 + 10


def by_definition(p: Problem, x: Any, weight: Any, bias: Any) -> Any:
    """``y[n, o, i, j] = activation(bias[o] + sum_c weight[o, c] * x[n, g(o) * C/G + c, i * s, j * s])``, exactly.

    Floats are integers over a power of two: sums of products are those of whole numbers, which take a tenth of the time
    of as many fractions.
    """
    y = np.empty(p.output_shape)
    for place, total in _sums(replace(p, activation="none"), x, weight, bias).items():
        y[place] = float(activated_by_definition(p.activation, total))
    return y


def _sums(p: Problem, x: Any, weight: Any, bias: Any) -> dict[tuple[int, ...], Fraction]:
    """What the activation is applied to, by its place; of the same numbers once, for six activations."""
    key = (p, *(None if each is None else each.tobytes() for each in (x, weight, bias)))
    if key not in _KNOWN:
        _KNOWN[key] = dict(_new_sums(p, x, weight, bias))
    return _KNOWN[key]


_KNOWN: dict[tuple[Any, ...], dict[tuple[int, ...], Fraction]] = {}


def _new_sums(p: Problem, x: Any, weight: Any, bias: Any) -> Iterator[tuple[tuple[int, ...], Fraction]]:
    channels, kernels = p.in_channels // p.groups, p.out_channels // p.groups
    (values, per_x), (weights, per_weight) = _over_a_common_denominator(x), _over_a_common_denominator(weight)
    pixels = tuple(product(range(p.out_height), range(p.out_width)))
    for n, o in product(range(p.batch), range(p.out_channels)):
        begin = Fraction(0) if bias is None else Fraction(float(bias[o]))
        sources = range(o // kernels * channels, (o // kernels + 1) * channels)
        for i, j in pixels:
            row, column = i * p.stride, j * p.stride
            whole = sum(
                weights[o, c] * values[(n, source, row, column) if p.layout == "nchw" else (n, row, column, source)]
                for c, source in enumerate(sources)
            )
            yield (n, o, i, j) if p.layout == "nchw" else (n, i, j, o), begin + Fraction(whole, per_x * per_weight)


def _over_a_common_denominator(array: Any) -> tuple[dict[tuple[int, ...], int], int]:
    """The values of ``array`` by their places, as numerators over the power of two that is handed on."""
    ratios = {place: float(value).as_integer_ratio() for place, value in np.ndenumerate(array)}
    common = max((denominator for _, denominator in ratios.values()), default=1)
    return {place: numerator * (common // denominator) for place, (numerator, denominator) in ratios.items()}, common


def activated_by_definition(activation: str, total: Fraction) -> Fraction | float:
    v = float(total)
    by_name: dict[str, Fraction | float] = {
        "none": total,
        "relu": max(total, Fraction(0)),
        "relu6": min(max(total, Fraction(0)), Fraction(6)),
        "hardswish": total * min(max(total + 3, Fraction(0)), Fraction(6)) / 6,
        "silu": v * (1 + math.tanh(v / 2)) / 2,
        "gelu": v * (1 + math.erf(v / math.sqrt(2))) / 2,
    }
    return by_name[activation]


def test_the_values_of_the_smooth_activations() -> None:
    """Known to ten digits: the logistic function and the normal distribution at one and two, on both sides."""
    points = np.array([-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 40.0])
    known: dict[str, list[float]] = {
        "silu": [-0.14227761953, -0.23840584404, -0.26894142137, 0, 0.73105857863, 1.76159415596, 2.85772238047, 40],
        "hardswish": [0, -1 / 3, -1 / 3, 0, 2 / 3, 5 / 3, 3, 40],
        "gelu": [-0.00404969409, -0.04550026390, -0.15865525393, 0, 0.84134474607, 1.95449973610, 2.99595030591, 40],
        "relu6": [0, 0, 0, 0, 1, 2, 3, 6],
    }
    for activation, values in known.items():
        np.testing.assert_allclose(activated(activation, points.copy()), values, rtol=0, atol=1e-11)


def test_far_below_zero_gelu_keeps_its_digits() -> None:
    """The tail of the normal distribution at 10, where one and erf would leave nothing: 7.6198530242e-24."""
    assert activated("gelu", np.array([-10.0]))[0] == pytest.approx(-7.6198530242e-23, rel=1e-10)


@pytest.mark.parametrize("layout", AXES["layout"])
@pytest.mark.parametrize("stride", [*AXES["stride"], 4])
def test_it_is_the_formula(stride: int, layout: str) -> None:
    for problem in [*PROBLEMS, *ODD_SHAPES]:
        if (problem.stride, problem.layout) != (stride, layout):
            continue
        x, weight, bias = operands(problem)
        y = pointwise(problem, x, weight, bias)
        assert y.shape == problem.output_shape, problem
        assert y.dtype == np.float64, problem
        assert y.flags.c_contiguous, problem
        # A handful of roundings in float64, relative to the largest term; nothing cancels to below 1e-12 of it.
        assert_close(problem, y, by_definition(problem, x, weight, bias), rtol=1e-12, atol=1e-14)


def assert_close(problem: Problem, one: Any, other: Any, rtol: float, atol: float = 0.0) -> None:
    """With the problem named where it is not so: many are looked at in one test, since a test each takes longer."""
    np.testing.assert_allclose(one, other, rtol, atol, err_msg=str(problem))


EXACT = [each for each in PROBLEMS if each.activation in ("none", "relu", "relu6")]


def test_small_integers_are_exact() -> None:
    for problem in EXACT[::5]:
        rng = np.random.default_rng(1)
        x = rng.integers(-8, 9, problem.input_shape).astype(problem.dtype)
        weight = rng.integers(-4, 5, problem.weight_shape).astype(problem.dtype)
        bias = rng.integers(-8, 9, problem.out_channels).astype(problem.dtype) if problem.bias else None
        assert np.array_equal(pointwise(problem, x, weight, bias), by_definition(problem, x, weight, bias)), problem


def test_the_sum_is_carried_in_float64() -> None:
    """In float32 the small term would vanish beside the large one."""
    problem = Problem(batch=1, in_channels=3, out_channels=1, height=1, width=1)
    x = np.array([2.0**30, 1.0, -(2.0**30)], np.float32).reshape(problem.input_shape)
    assert pointwise(problem, x, np.ones((1, 3), np.float32), None).item() == 1.0


@pytest.mark.parametrize("activation", ["none", "relu"])
@pytest.mark.filterwarnings("ignore:invalid value encountered")  # infinity times zero is what is asked
def test_nan_and_infinity_propagate_to_their_own_outputs_alone(activation: Any) -> None:
    problem = Problem(batch=1, in_channels=2, out_channels=1, height=1, width=3, activation=activation)
    x = np.array([[np.nan, 1.0, np.inf], [1.0, 1.0, 1.0]], np.float32).reshape(problem.input_shape)
    y = pointwise(problem, x, np.ones((1, 2), np.float32), None).ravel()
    assert np.isnan(y[0])
    assert y[1:].tolist() == [2.0, np.inf]


def test_pixels_that_the_stride_skips_have_no_influence() -> None:
    problem = Problem(batch=1, in_channels=2, out_channels=2, height=5, width=4, stride=3)
    x, weight, bias = operands(problem)
    read = np.zeros(problem.input_shape, bool)
    read[:, :, [0, 3]] = True
    read[:, :, :, [1, 2]] = False
    assert np.array_equal(
        pointwise(problem, np.where(read, x, np.nan), weight, bias), pointwise(problem, x, weight, bias)
    )


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_an_empty_batch_gives_an_empty_result(layout: Any) -> None:
    problem = Problem(batch=0, in_channels=4, out_channels=6, height=4, width=4, bias=True, layout=layout)
    assert pointwise(problem, *operands(problem)).shape == problem.output_shape


def test_magnitudes_are_the_formula_of_absolute_values() -> None:
    for problem in PROBLEMS[::7]:
        x, weight, bias = operands(problem)
        linear = replace(problem, activation="none")
        expected = by_definition(linear, abs(x), abs(weight), None if bias is None else abs(bias))
        assert_close(problem, magnitudes(problem, (x,), weight, bias), expected, rtol=1e-12)


def test_operands_are_left_as_they_are() -> None:
    for problem in PROBLEMS[::9]:
        given = operands(problem)
        before: list[Any] = [None if each is None else each.copy() for each in given]
        pointwise(problem, *given)
        for one, other in zip(given, before, strict=True):
            assert (one is None and other is None) or np.array_equal(one, other), problem


# --- gradients ----------------------------------------------------------------------------------------------------

LINEAR = [
    *dict.fromkeys(replace(each, activation="none", dtype="float64") for each in [*PROBLEMS, *ODD_SHAPES]),
]
"""Each once: many of the problems differ in what gradients leave out."""


def gradients(problem: Problem, x: Any, weight: Any, dy: Any) -> tuple[Any, Any]:
    """The reference's, the bias' gradient beside the weights'."""
    return (
        backward_input(replace(problem, direction="backward-input"), dy, weight),
        backward_weight(replace(problem, direction="backward-weight"), x, dy),
    )


@pytest.mark.parametrize("problem", LINEAR, ids=str)
def test_gradients_are_finite_differences(problem: Problem) -> None:
    """The formula is linear in each operand: a difference of one is the derivative itself, up to rounding."""
    x, weight, bias = operands(problem)
    dy = np.random.default_rng(2).standard_normal(problem.output_shape)
    here = by_definition(problem, x, weight, bias)

    def slope(which: int, index: Any) -> float:
        there: list[Any] = [None if each is None else each.copy() for each in (x, weight, bias)]
        there[which][index] += 1.0
        return float((dy * (by_definition(problem, *there) - here)).sum())

    dx, dw = gradients(problem, x, weight, dy)
    rng = np.random.default_rng(3)
    for index in [tuple(rng.integers(0, size) for size in problem.input_shape) for _ in range(6)]:
        assert dx[index] == pytest.approx(slope(0, index), rel=1e-9, abs=1e-9)
    for index in [tuple(rng.integers(0, size) for size in problem.weight_shape) for _ in range(6)]:
        assert dw[index] == pytest.approx(slope(1, index), rel=1e-9, abs=1e-9)
    if problem.bias:
        assert dw[-1, -1] == pytest.approx(slope(2, -1), rel=1e-9, abs=1e-9)


def test_each_direction_is_answered_by_its_own_formula() -> None:
    problem = Problem.parse("n1c2h1w2-o2")
    x, weight = np.array([[[[1.0, 2.0]], [[3.0, 4.0]]]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    dy = np.array([[[[1.0, 0.0]], [[0.0, 1.0]]]])
    assert answer(problem, (x,), weight, None).ravel().tolist() == [7, 10, 15, 22]
    assert answer(replace(problem, direction="backward-input"), (dy,), weight, None).ravel().tolist() == [1, 3, 2, 4]
    of_weight = answer(replace(problem, direction="backward-weight"), (x, dy), None, None)
    assert of_weight.ravel().tolist() == [1, 3, 2, 4]


def test_no_library_of_matrix_products_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some backends call it: with ``optimize`` einsum would hold its float64 against itself."""
    asked, einsum = [], np.einsum

    def watched(*operands: Any, optimize: bool) -> Any:
        asked.append(optimize)
        return einsum(*operands, optimize=optimize)

    monkeypatch.setattr(np, "einsum", watched)
    problem, x, weight = Problem.parse("n1c2h1w2-o2"), np.ones((1, 2, 1, 2)), np.ones((2, 2))
    answer(problem, (x,), weight, None)
    answer(replace(problem, direction="backward-input"), (x,), weight, None)
    answer(replace(problem, direction="backward-weight"), (x, x), None, None)
    assert asked == [False] * 3
