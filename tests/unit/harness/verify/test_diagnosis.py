"""Names of mistakes: each made on purpose by plain loops over a small problem, and named as what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS
from pointwise_bench.suites.harness.verify.diagnosis import (
    Mismatch,
    _round_significand,
    diagnose,
    lost_value,
    rounded_operands,
)
from pointwise_bench.suites.harness.verify.drawing import Case
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.reference import answer

# As many input as output channels in each group, a square picture that the stride does not divide, more than one image.
P = Problem(batch=2, in_channels=4, out_channels=4, height=5, width=5, stride=2, groups=2, bias=True, activation="relu")
BACK = replace(P, bias=False, activation="none", direction="backward-input")
WEIGHTS = replace(P, activation="none", direction="backward-weight")


def numbers(shape: tuple[int, ...], seed: int) -> Any:
    """Whole numbers, none of them zero: every term counts, and every sum is exact."""
    rng = np.random.default_rng(seed)
    return rng.choice([-4.0, -3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 4.0], shape)


X, W, B = numbers(P.input_shape, 1), numbers(P.weight_shape, 2), numbers((4,), 3)
DY = numbers(P.output_shape, 4)
PREVIOUS = numbers(P.output_shape, 5)


def forward(
    *,
    x: Any = X,
    w: Any = W,
    bias: Any = B,
    pixel: Callable[[int], int] = lambda i: 2 * i,
    channel: Callable[[int, int], int] = lambda group, c: 2 * group + c,
    swap: bool = False,
    early: bool = False,
    relu: bool = True,
) -> Any:
    """The formula in loops, with a place for every mistake."""
    y = np.zeros(P.output_shape)
    for n, o, i, j in product(range(2), range(4), range(3), range(3)):
        row, column = (pixel(j), pixel(i)) if swap else (pixel(i), pixel(j))
        total = sum(w[o, c] * x[n, channel(o // 2, c), row, column] for c in range(2))
        total = max(total, 0) + bias[o] if early else total + bias[o]
        y[n, o, i, j] = total if early or not relu else max(total, 0)
    return y


def equal(one: Any, other: Any) -> bool:
    return one.shape == other.shape and bool(np.array_equal(one, other, equal_nan=True))


def mismatch(p: Problem, inputs: tuple[Any, ...], w: Any, bias: Any, previous: Any = None) -> Mismatch:
    return Mismatch(p, Weights(weight=w, bias=bias), Case(inputs, answer(p, inputs, w, bias)), previous)


def zeroed(w: Any, column: int) -> Any:
    cut = w.copy()
    cut[:, column] = 0
    return cut


RIGHT = forward()
# The weights of each group, transposed within it: element (o, c) of a group of two is its (c, o).
TRANSPOSED = np.array([[W[0, 0], W[1, 0]], [W[0, 1], W[1, 1]], [W[2, 0], W[3, 0]], [W[2, 1], W[3, 1]]])
MISREAD = X.reshape(2, 5, 5, 4).transpose(0, 3, 1, 2)
MISTAKES: dict[str, Any] = {
    "the result is all zeros": np.zeros(P.output_shape),
    "this is the answer to the previous input": PREVIOUS,
    "this is the sum with the answer to the previous input: it adds to a buffer": RIGHT + PREVIOUS,
    "the bias is missing": forward(bias=np.zeros(4)),
    "the activation is applied before the bias": forward(early=True),
    "the bias is added twice": forward(bias=2 * B),
    "the ReLU is missing": forward(relu=False),
    "the weights are transposed": forward(w=TRANSPOSED),
    "the last input channel is dropped": forward(w=zeroed(W, 1)),
    "the first input channel is dropped": forward(w=zeroed(W, 0)),
    "the output is laid out as nhwc": RIGHT.transpose(0, 2, 3, 1).reshape(P.output_shape),
    "every image gets the answer to the first": np.stack([RIGHT[0], RIGHT[0]]),
    "the stride starts at pixel 1 instead of 0": forward(pixel=lambda i: (2 * i + 1) % 5),
    "the stride is ignored": forward(pixel=lambda i: i),
    "the input is read as nhwc": forward(x=MISREAD),
    "rows and columns are swapped": forward(swap=True),
    "every group reads the first group's channels": forward(channel=lambda group, c: c),
    "groups take interleaved channels instead of blocks": forward(channel=lambda group, c: 2 * c + group),
    "groups are in reverse order": forward(channel=lambda group, c: 2 * (1 - group) + c),
}


def test_the_loops_are_the_reference_where_no_mistake_is_made() -> None:
    np.testing.assert_array_equal(RIGHT, answer(P, (X,), W, B))


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_has_its_name(name: str) -> None:
    """The whole sentence begins with it; the place of the first difference follows."""
    sentence = diagnose(mismatch(P, (X,), W, B, PREVIOUS), MISTAKES[name], equal)
    assert sentence.startswith(f"{name} ("), sentence


LAST = (0, 2, 3, 1)  # axes of an array with channels first, in the order of one with channels last
LAST_X = np.ascontiguousarray(X.transpose(LAST))
LAST_RIGHT = np.ascontiguousarray(RIGHT.transpose(LAST))
CHANNELS_LAST: dict[str, Any] = {
    **{name: wrong.transpose(LAST) for name, wrong in MISTAKES.items() if "nhwc" not in name},
    "the output is laid out as nchw": LAST_RIGHT.transpose(0, 3, 1, 2).reshape(LAST_RIGHT.shape),
    "the input is read as nchw": forward(x=LAST_X.reshape(X.shape)).transpose(LAST),
}


@pytest.mark.parametrize("name", CHANNELS_LAST)
def test_with_channels_last_it_has_the_same_name(name: str) -> None:
    found = mismatch(replace(P, layout="nhwc"), (LAST_X,), W, B, PREVIOUS.transpose(LAST))
    sentence = diagnose(found, CHANNELS_LAST[name], equal)
    assert sentence.startswith(f"{name} ("), sentence


@pytest.mark.parametrize("asked", ACTIVATIONS)
@pytest.mark.parametrize("made", ACTIVATIONS)
def test_another_activation_is_named(asked: Any, made: Any) -> None:
    if asked == made:
        return
    said = {"relu": "ReLU"}
    name = f"the activation is {made} and not {asked}"
    if made == "none":
        name = f"the {said.get(asked, asked)} is missing"
    elif asked == "none":
        name = f"a {said.get(made, made)} is applied that nobody asked for"
    wrong = answer(replace(P, activation=made), (X,), W, B)
    sentence = diagnose(mismatch(replace(P, activation=asked), (X,), W, B), wrong, equal)
    assert sentence.startswith(f"{name} ("), sentence


def test_channels_in_reverse_need_one_group() -> None:
    p = replace(P, groups=1)
    w = numbers(p.weight_shape, 6)
    wrong = answer(p, (X,), w[::-1], B[::-1])
    assert diagnose(mismatch(p, (X,), w, B), wrong, equal).startswith("the output channels are in reverse order (")


def test_a_relu_that_nobody_asked_for() -> None:
    p = replace(P, activation="none")
    assert diagnose(mismatch(p, (X,), W, B), RIGHT, equal).startswith("a ReLU is applied that nobody asked for (")


# --- gradients ----------------------------------------------------------------------------------------------------

DX = answer(BACK, (DY,), W, None)
READ = DX[:, :, ::2, ::2]
BESIDE = np.zeros_like(DX)
BESIDE[:, :, :3, :3] = READ
LAST_BACK = replace(BACK, layout="nhwc")
MISREAD_DX = answer(LAST_BACK, (DY.reshape(LAST_BACK.output_shape),), W, None).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("the weights are not transposed", answer(BACK, (DY,), TRANSPOSED, None)),
        ("the stride is ignored: the gradients are written side by side", BESIDE),
        (
            "the pixels that the stride skips get their neighbour's gradient instead of zero",
            READ.repeat(2, axis=2).repeat(2, axis=3)[:, :, :5, :5],
        ),
        ("the stride starts at pixel 1 instead of 0", np.roll(DX, (1, 1), (2, 3))),
        ("every image gets the answer to the first", np.stack([DX[0], DX[0]])),
        ("the input is read as nhwc", MISREAD_DX),
    ],
)
def test_mistakes_with_the_gradient_of_the_input(name: str, wrong: Any) -> None:
    sentence = diagnose(mismatch(BACK, (DY,), W, None), wrong, equal)
    assert sentence.startswith(f"{name} ("), sentence


def test_a_number_in_a_pixel_that_is_skipped_is_told_as_that() -> None:
    wrong = DX.copy()
    wrong[1, 2, 1, 3] = 7
    assert diagnose(mismatch(BACK, (DY,), W, None), wrong, equal) == (
        "the pixels that the stride skips must get zero; 1 of 200 elements differ, the first at [1, 2, 1, 3]: "
        "got 7, expected 0"
    )


DW = answer(WEIGHTS, (X, DY), None, None)


def with_bias(weights: Any, of_bias: Any = DW[:, -1]) -> Any:
    return np.column_stack([weights, of_bias])


def of_image(number: int) -> Any:
    image = slice(number, number + 1)
    return answer(replace(WEIGHTS, batch=1), (X[image], DY[image]), None, None)


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("the bias' gradient is missing", with_bias(DW[:, :-1], np.zeros(4))),
        ("the bias' gradient is added to the weights' columns", with_bias(DW[:, :-1] + DW[:, -1:])),
        ("the gradients are averaged over the pixels instead of summed", DW / 18),  # 2 images of 3 x 3
        ("the batch is averaged instead of summed", DW / 2),
        ("the batch is not summed: the gradient is the first image's", of_image(0)),
        ("the batch is not summed: the gradient is the last image's", of_image(1)),
        (
            "the result is transposed",
            with_bias([[DW[0, 0], DW[1, 0]], [DW[0, 1], DW[1, 1]], [DW[2, 0], DW[3, 0]], [DW[2, 1], DW[3, 1]]]),
        ),
    ],
)
def test_mistakes_with_the_gradient_of_the_weights(name: str, wrong: Any) -> None:
    sentence = diagnose(mismatch(WEIGHTS, (X, DY), None, None), wrong, equal)
    assert sentence.startswith(f"{name} ("), sentence


def test_gradients_with_channels_last_have_their_names_too() -> None:
    problem = replace(BACK, layout="nhwc")
    of_input = mismatch(problem, (np.ascontiguousarray(DY.transpose(LAST)),), W, None)
    for name, wrong in (
        ("the stride is ignored: the gradients are written side by side", BESIDE),
        ("the stride starts at pixel 1 instead of 0", np.roll(DX, (1, 1), (2, 3))),
        ("the last output channel is dropped", answer(BACK, (DY,), W * [[1], [0], [1], [0]], None)),
        ("the first output channel is dropped", answer(BACK, (DY,), W * [[0], [1], [0], [1]], None)),
    ):
        sentence = diagnose(of_input, wrong.transpose(LAST), equal)
        assert sentence.startswith(f"{name} ("), sentence
    wrong = DX.transpose(LAST).copy()
    wrong[1, 1, 3, 2] = 7
    assert diagnose(of_input, wrong, equal).startswith("the pixels that the stride skips must get zero; ")
    of_weights = mismatch(replace(WEIGHTS, layout="nhwc"), (LAST_X, DY.transpose(LAST)), None, None)
    assert diagnose(of_weights, DW / 18, equal).startswith("the gradients are averaged over the pixels")


# --- where it has no name -----------------------------------------------------------------------------------------


def test_wrong_elements_that_share_a_place_are_told_by_it() -> None:
    wrong = RIGHT.copy()
    wrong[0, 3, :, 1] = 1000.25
    assert diagnose(mismatch(P, (X,), W, B), wrong, equal) == (
        f"only in image 0 of 2; 3 of 72 elements differ, the first at [0, 3, 0, 1]: got 1000.25, "
        f"expected {RIGHT[0, 3, 0, 1]:.9g}"
    )


def test_a_place_of_the_gradient_of_the_weights_is_a_channel() -> None:
    of_weights = mismatch(WEIGHTS, (X, DY), None, None)
    wrong = DW.copy()
    wrong[2, :2] += 1000
    assert diagnose(of_weights, wrong, equal).startswith("only in output channel 2 of 4; 2 of 12 elements differ")
    wrong = DW.copy()
    wrong[1, -1] += 1000
    assert diagnose(of_weights, wrong, equal).startswith("only in the bias' gradient; 1 of 12 elements differ")


def test_a_place_of_the_gradient_of_the_input_is_an_image_or_a_channel() -> None:
    p = replace(BACK, stride=1, height=3, width=3)
    of_input = mismatch(p, (DY,), W, None)
    wrong = of_input.case.answer.copy()
    wrong[:, 2] += 1000.25
    assert diagnose(of_input, wrong, equal).startswith("only in channel 2 of 4; ")


def test_nan_where_numbers_are_expected_is_told_as_that() -> None:
    wrong = RIGHT.copy()
    wrong[0, 0, 0, 0] = np.nan
    assert diagnose(mismatch(P, (X,), W, B), wrong, equal).startswith("NaN where numbers are expected, as from memory")


def test_differences_of_rounding_are_counted_only_where_there_are_no_larger_ones() -> None:
    large = abs(RIGHT).max()
    wrong = RIGHT + 1e-6 * large
    assert "72 of 72 elements differ" in diagnose(mismatch(P, (X,), W, B), wrong, equal)
    wrong[1, 1, 1, 1] += large
    assert "1 of 72 elements differ, the first at [1, 1, 1, 1]" in diagnose(mismatch(P, (X,), W, B), wrong, equal)


@pytest.mark.parametrize(
    ("places", "words"),
    [
        ([0], "only in channel 0 of 12; "),
        ([1, 4, 7, 9], "only in channel 1, 4, 7, 9 of 12; "),
        ([0, 2, 4, 6, 8], "only in channel 0, 2, 4, 6, ... of 12; "),
        ([0, 1, 2, 3, 4, 5], "only in channel 0, 1, 2, 3, ... of 12; "),
        ([0, 1, 2, 3, 4, 5, 6], "7 of 12 elements differ"),  # more than half of them: no place of its own
    ],
)
def test_up_to_four_places_are_listed_where_they_are_at_most_half(places: list[int], words: str) -> None:
    p = Problem(batch=1, in_channels=1, out_channels=12, height=1, width=1)
    case = mismatch(p, (np.ones(p.input_shape),), np.arange(1.0, 13.0)[:, None], None)
    wrong = case.case.answer.copy()
    wrong[:, places] += 0.25
    assert diagnose(case, wrong, equal).startswith(words)


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (1.0, np.nan, "NaN is lost"),
        (np.inf, np.nan, "NaN is lost"),
        (np.nan, 1.0, "NaN where a number is expected"),
        (np.nan, np.inf, "NaN where a number is expected"),
        (65504.0, np.inf, "what no number of this type can hold must be infinite, and is not"),
        (-np.inf, 1.0, "infinite where a number is expected"),
        (0.0, 1e-40, "small numbers are taken for zero"),
        (2e-40, 1e-40, "another number"),
        (1.0, 0.0, "another number"),
    ],
)
def test_what_has_become_of_a_number(got: float, expected: float, words: str) -> None:
    assert lost_value(got, expected) == words


# --- arithmetic ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "bits", "rounded"),
    [
        (np.pi, 7, 3.140625),  # 201 / 64
        (1 + 2.0**-8, 7, 1.0),  # half-way, to even
        (1 + 3 * 2.0**-8, 7, 1 + 2.0**-6),  # half-way, to even
        (1 + 2.0**-7, 7, 1 + 2.0**-7),
        (-0.1, 10, -1638 / 2**14),  # 0.1 is 1.6 / 16, and 1.6 is 1638.4 / 1024
        (0.0, 7, 0.0),
    ],
)
def test_a_significand_is_rounded_to_nearest(value: float, bits: int, rounded: float) -> None:
    assert _round_significand(np.array([value]), bits).tolist() == [rounded]


@pytest.mark.parametrize(("bits", "name"), [(7, "bfloat16"), (10, "TensorFloat-32 or float16"), (23, None), (13, None)])
def test_rounded_operands_are_known_by_the_arithmetic_that_explains_them(bits: int, name: str | None) -> None:
    """Of a float32 problem; 13 bits are nobody's, and rounding to float32 itself explains nothing."""
    p = replace(P, bias=False, activation="none")
    rng = np.random.default_rng(7)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in (p.input_shape, p.weight_shape))
    wrong = answer(p, (_round_significand(x, bits),), _round_significand(w, bits), None)
    found = rounded_operands(mismatch(p, (x,), w, None), wrong, lambda a, b: float(abs(a - b).max()))
    assert found == name


def test_a_picture_that_is_not_square_has_no_rows_and_columns_to_swap() -> None:
    for height, width in ((3, 5), (5, 3)):
        p = replace(P, height=height, width=width)
        x = X[:, :, :height, :width]
        wrong = answer(p, (x,), W, B)
        wrong[1, 2, 0, 1] += 1
        assert diagnose(mismatch(p, (x,), W, B), wrong, equal).startswith("only in image 1 of 2; 1 of ")


# --- the residual -------------------------------------------------------------------------------------------------

R = np.random.default_rng(7).integers(1, 9, P.output_shape).astype(np.float64)
SUMS = forward(relu=False)
WITH_RESIDUAL: dict[str, Any] = {
    "the residual is missing": np.maximum(SUMS, 0),
    "the residual is added after the activation": np.maximum(SUMS, 0) + R,
    "the residual is added twice": np.maximum(SUMS + R + R, 0),
    "the residual is read as nhwc": np.maximum(SUMS + R.reshape(2, 3, 3, 4).transpose(0, 3, 1, 2), 0),
    "the residual is the first image's in every image": np.maximum(SUMS + R[:1], 0),
    "the residual is another image's": np.maximum(SUMS + R[::-1], 0),
}


@pytest.mark.parametrize("name", WITH_RESIDUAL)
def test_a_mistake_with_the_residual_has_its_name(name: str) -> None:
    sentence = diagnose(mismatch(replace(P, add=True), (X, R), W, B), WITH_RESIDUAL[name], equal)
    assert sentence.startswith(f"{name} ("), sentence
