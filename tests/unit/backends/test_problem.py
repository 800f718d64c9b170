"""Problem: shapes and arithmetic against numbers worked out by hand, validation, and the id."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS, Direction

PLAIN = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
# Two images of 6 channels, 5 x 7 pixels; stride 2 divides neither side and reads 3 x 4 of them; two groups of 3 -> 2.
GROUPED = Problem(batch=2, in_channels=6, out_channels=4, height=5, width=7, stride=2, groups=2, bias=True)


@pytest.mark.parametrize(
    ("layout", "input_shape", "output_shape"),
    [("nchw", (2, 6, 5, 7), (2, 4, 3, 4)), ("nhwc", (2, 5, 7, 6), (2, 3, 4, 4))],
)
def test_shapes_are_in_the_layout_of_the_problem(layout: Any, input_shape: Any, output_shape: Any) -> None:
    problem = replace(GROUPED, layout=layout)
    assert problem.input_shape == input_shape
    assert problem.output_shape == output_shape
    assert problem.weight_shape == (4, 3)


@pytest.mark.parametrize(
    ("size", "stride", "expected"),
    [(1, 1, 1), (7, 1, 7), (7, 2, 4), (8, 2, 4), (9, 2, 5), (7, 3, 3), (8, 3, 3), (3, 5, 1), (1, 9, 1)],
)
def test_the_stride_reads_pixel_zero_and_every_so_many_after_it(size: int, stride: int, expected: int) -> None:
    tall = replace(PLAIN, height=size, stride=stride)
    wide = replace(PLAIN, width=size, stride=stride)
    assert tall.out_height == wide.out_width == expected


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_arithmetic_by_hand(layout: Any) -> None:
    problem = replace(GROUPED, layout=layout)
    assert problem.pixels == 2 * 3 * 4
    assert problem.macs == 24 * 4 * 3
    assert problem.flops == 576
    assert problem.parameters == 4 * 3 + 4
    # Of each image only the 3 x 4 pixels that the stride reads: 24 pixels of 6 channels in, 24 of 4 out, 16 parameters.
    assert problem.min_bytes == (144 + 96 + 16) * 4


def test_arithmetic_of_the_backward_directions_by_hand() -> None:
    to_input = replace(GROUPED, direction="backward-input")
    to_weight = replace(GROUPED, direction="backward-weight")
    assert to_input.macs == to_weight.macs == GROUPED.macs
    # The whole of the input's gradient is written, skipped pixels as zeros; the bias plays no part in it.
    assert to_input.min_bytes == (2 * 6 * 5 * 7 + 96 + 12) * 4
    assert to_weight.min_bytes == GROUPED.min_bytes


def test_the_reduction_runs_over_what_the_direction_sums() -> None:
    assert GROUPED.reduction_length == 3
    assert replace(GROUPED, direction="backward-input").reduction_length == 2
    assert replace(GROUPED, direction="backward-weight").reduction_length == 24


def test_bias_and_activation_are_not_counted_as_work() -> None:
    assert replace(PLAIN, bias=True, activation="relu").flops == PLAIN.flops == 2 * 16 * 8 * 8
    assert replace(PLAIN, bias=True).parameters == PLAIN.parameters + 8


def test_a_residual_is_read_once_and_is_no_work() -> None:
    added = replace(GROUPED, add=True)
    assert added.flops == GROUPED.flops
    assert added.parameters == GROUPED.parameters
    assert added.min_bytes == (144 + 2 * 96 + 16) * 4


def test_what_the_layer_is_called_with() -> None:
    x, y = GROUPED.input_shape, GROUPED.output_shape
    assert GROUPED.input_shapes == (x,)
    assert replace(GROUPED, add=True).input_shapes == (x, y)
    assert replace(GROUPED, direction="backward-input").input_shapes == (y,)
    assert replace(GROUPED, direction="backward-weight").input_shapes == (x, y)


@pytest.mark.parametrize(("dtype", "item_bytes"), [("float64", 8), ("float32", 4), ("float16", 2), ("bfloat16", 2)])
def test_bytes_follow_the_element_type(dtype: Any, item_bytes: int) -> None:
    assert replace(PLAIN, dtype=dtype).min_bytes == (128 + 64 + 128) * item_bytes


def test_an_empty_batch_has_shapes_and_no_work() -> None:
    empty = replace(GROUPED, batch=0)
    assert empty.input_shape == (0, 6, 5, 7)
    assert empty.output_shape == (0, 4, 3, 4)
    assert empty.flops == 0
    assert empty.min_bytes == 16 * 4


# --- validation ---------------------------------------------------------------------------------------------------

SIZES = ("batch", "in_channels", "out_channels", "height", "width", "stride", "groups")


def changed(field: str, value: Any) -> Problem:
    """A plain problem with one field replaced."""
    return replace(PLAIN, **{field: value})


@pytest.mark.parametrize("field", SIZES)
@pytest.mark.parametrize("value", [-1, 1.0, np.float32(1), True, np.True_, "1", None, float("nan")], ids=repr)
def test_a_size_that_is_no_whole_number_is_refused_by_field_and_value(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{field} must be a whole number") as caught:
        changed(field, value)
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize("field", [name for name in SIZES if name != "batch"])
def test_only_the_batch_may_be_zero(field: str) -> None:
    with pytest.raises(ValueError, match=rf"^{field} must be a whole number of at least 1, got 0"):
        changed(field, 0)


@pytest.mark.parametrize("field", ["activation", "dtype", "layout", "direction"])
@pytest.mark.parametrize("value", ["nonsense", "", None, 1])
def test_an_unknown_choice_is_refused_by_field_with_the_valid_ones(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{field} must be one of \w.*, got {value!r}$") as caught:
        changed(field, value)
    assert str(getattr(PLAIN, field)) in str(caught.value)


@pytest.mark.parametrize("field", ["bias", "add"])
@pytest.mark.parametrize("value", [0, 1, None, "yes"])
def test_bias_and_add_are_true_or_false_and_nothing_like_it(field: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{field} must be True or False"):
        changed(field, value)


@pytest.mark.parametrize("direction", ["backward-input", "backward-weight"])
def test_a_gradient_has_no_residual(direction: Any) -> None:
    with pytest.raises(ValueError, match=f"^add must be False in {direction}: a gradient passes"):
        replace(PLAIN, add=True, direction=direction)


@pytest.mark.parametrize(("field", "channels"), [("in_channels", (9, 8)), ("out_channels", (8, 9))])
def test_groups_must_divide_both_channel_counts(field: str, channels: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=rf"groups must divide {field}: 9 % 4"):
        replace(PLAIN, in_channels=channels[0], out_channels=channels[1], groups=4)


@pytest.mark.parametrize("kind", [np.int8, np.int64, np.uint16])
def test_numpy_integers_are_whole_numbers(kind: Any) -> None:
    sizes: dict[str, Any] = {field: kind(getattr(PLAIN, field)) for field in SIZES}
    problem = replace(PLAIN, **sizes)
    assert problem == PLAIN
    assert problem.id == PLAIN.id
    # Plain integers inside: a product of int8 would overflow without a word.
    assert all(type(getattr(problem, field)) is int for field in SIZES)


def test_a_problem_cannot_be_changed_and_can_be_a_key() -> None:
    with pytest.raises(FrozenInstanceError):
        PLAIN.batch = 2  # type: ignore[misc]
    assert len({PLAIN, replace(PLAIN), replace(PLAIN, batch=2)}) == 2


def test_fields_are_given_by_name_only() -> None:
    with pytest.raises(TypeError):
        Problem(1, 8, 8, 4, 4)  # type: ignore[call-arg]  # what is tested


# --- id -----------------------------------------------------------------------------------------------------------

size = st.one_of(st.integers(1, 64), st.integers(1, 10**7))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any problem: every field over its whole range."""
    groups = draw(st.one_of(st.just(1), st.integers(1, 64)))
    direction = draw(st.sampled_from(get_args(Direction)))
    return Problem(
        batch=draw(st.integers(0, 512)),
        in_channels=groups * draw(size),
        out_channels=groups * draw(size),
        height=draw(size),
        width=draw(size),
        stride=draw(st.integers(1, 16)),
        groups=groups,
        bias=draw(st.booleans()),
        add=direction == "forward" and draw(st.booleans()),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        dtype=draw(st.sampled_from(["float32", "float64", "float16", "bfloat16"])),
        layout=draw(st.sampled_from(["nchw", "nhwc"])),
        direction=direction,
    )


@given(problems())
@settings(deadline=None, max_examples=300)
def test_parsing_an_id_gives_the_problem_back(problem: Problem) -> None:
    assert Problem.parse(problem.id) == problem
    assert str(problem) == problem.id


@given(problems(), problems())
@settings(deadline=None)
def test_different_problems_have_different_ids(one: Problem, other: Problem) -> None:
    assert (one.id == other.id) == (one == other)


def test_an_id_is_short_for_the_usual_and_complete_for_the_rest() -> None:
    assert PLAIN.id == "n1c8h4w4-o8"
    added = replace(GROUPED, add=True, activation="relu6", dtype="float64", layout="nhwc")
    assert added.id == "n2c6h5w7-o4-s2-g2-bias-add-relu6-float64-nhwc"
    everything = replace(GROUPED, activation="relu", dtype="float64", layout="nhwc", direction="backward-weight")
    assert everything.id == "n2c6h5w7-o4-s2-g2-bias-relu-float64-nhwc-backward-weight"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n1c8h4w4",
        "n01c8h4w4-o8",
        "n1c8h4w4-o08",
        "n1c8h4w4-o8-s02",
        "n1c8h4w4-o8-s1",
        "n1c8h4w4-o8-g1",
        "n1c8h4w4-o8-none",
        "n1c8h4w4-o8-float32",
        "n1c8h4w4-o8-nchw",
        "n1c8h4w4-o8-forward",
        "n1c8h4w4-o8-g2-s2",
        "n1c8h4w4-o8-relu-bias",
        "n1c8h4w4-o8-add-bias",
        "n1c8h4w4-o8-relu-add",
        "n1c8h4w4-o8-add-add",
        "n1c8h4w4-o8-add-backward-input",
        "n1c8h4w4-o8-nhwc-float64",
        "c8n1h4w4-o8",
        "n1c8h4w4-o8\n",
        " n1c8h4w4-o8",
        "n1c8h4w4-o8-",
        "n1c8h4w4-o8--bias",
        "N1C8H4W4-O8",
        "n-1c8h4w4-o8",
        "n1c0h4w4-o8",
        "n1c8h4w4-o8-g3",
        "n\u0661c8h4w4-o8",  # a digit one, but not ours
        "n" + "9" * 5000 + "c8h4w4-o8",  # past what int() agrees to read
    ],
    ids=lambda text: repr(text[:40]),
)
def test_parsing_refuses_near_misses(text: str) -> None:
    with pytest.raises(ValueError):
        Problem.parse(text)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("n32c4h8w8-o8-s2-backward-weight-nhwc", "n32c4h8w8-o8-s2-nhwc-backward-weight"),
        ("n1c2h3w4-o5-relu6-bias", "n1c2h3w4-o5-bias-relu6"),
        ("n1c2h3w4-o5-bias-relu-bias", "n1c192h28w28-o64-s2-g4-bias-relu-float64-nhwc"),
        ("n1c2h3w4-o5-relu-x-bias", "n1c192h28w28-o64-s2-g4-bias-relu-float64-nhwc"),
    ],
)
def test_an_id_whose_parts_are_out_of_order_is_answered_with_their_order(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=f"does not read like {remedy}$"):
        Problem.parse(text)
