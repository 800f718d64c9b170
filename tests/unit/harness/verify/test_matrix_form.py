"""The matrix product behind all three directions, on a problem small enough to be written out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import matrix_form
from pointwise_bench.suites.harness.verify.matrix_form import (
    Form,
    arranged,
    left_input,
    product,
    right_input,
    weight_of,
)

# 2 images of 3 x 5 pixels, of which the stride reads 2 x 3; two groups of 2 -> 3 channels.
PROBLEM = Problem(batch=2, in_channels=4, out_channels=6, height=3, width=5, stride=2, groups=2)
BACK = replace(PROBLEM, direction="backward-input")
WEIGHTS = replace(PROBLEM, direction="backward-weight")


@pytest.mark.parametrize(
    ("problem", "form"),
    [
        (PROBLEM, Form(images=2, groups=2, rows=3, terms=2, columns=6)),
        (BACK, Form(images=2, groups=2, rows=2, terms=3, columns=6)),
        (WEIGHTS, Form(images=1, groups=2, rows=3, terms=12, columns=2)),
    ],
)
def test_the_sizes_of_each_direction(problem: Problem, form: Form) -> None:
    assert Form.of(problem) == form
    assert form.left == (2, form.rows, form.terms)
    assert form.right == (form.images, 2, form.terms, form.columns)


def test_a_bias_adds_no_column() -> None:
    assert Form.of(replace(WEIGHTS, bias=True)) == Form.of(WEIGHTS)


@pytest.mark.parametrize("columns", [2, matrix_form.FEW_COLUMNS + 1], ids=["few columns", "many columns"])
def test_the_product_is_a_sum_over_terms(columns: int) -> None:
    """[1, 2; 3, 4] times columns of (p, 10 p) are 21 p and 43 p; the second group has twice the left operand."""
    left = np.array([[[1, 2], [3, 4]], [[2, 4], [6, 8]]], np.float32)
    p = np.arange(columns, dtype=np.float32)
    right = np.broadcast_to(np.stack([p, 10 * p]), (3, 2, 2, columns))
    result = product(left, right, np.float64)
    assert result.dtype == np.float64
    assert result.shape == (3, 2, 2, columns)
    for image in range(3):
        np.testing.assert_array_equal(result[image, 0], [21 * p, 43 * p])
        np.testing.assert_array_equal(result[image, 1], [42 * p, 86 * p])


def test_threads_share_rows_and_leave_none_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """7 rows in 3 threads are parts of 2, 2 and 3."""
    rng = np.random.default_rng(1)
    left, right = rng.integers(-3, 4, (2, 7, 5)), rng.integers(-3, 4, (2, 2, 5, 6))
    alone = product(left, right, np.float64)
    monkeypatch.setattr(matrix_form, "WORTH_A_THREAD", 1)
    monkeypatch.setattr(matrix_form, "available_cores", lambda: 3)
    np.testing.assert_array_equal(product(left, right, np.float64), alone)
    np.testing.assert_array_equal(alone, np.matmul(left, right))


def test_weights_are_the_left_operand_or_its_transpose() -> None:
    left = np.arange(12).reshape(2, 3, 2)
    assert weight_of(PROBLEM, left).tolist() == [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9], [10, 11]]
    back = np.arange(12).reshape(2, 2, 3)  # rows are input channels there
    assert weight_of(BACK, back).tolist() == [[0, 3], [1, 4], [2, 5], [6, 9], [7, 10], [8, 11]]


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_the_right_operand_is_read_and_nothing_else(layout: str) -> None:
    p = replace(PROBLEM, layout=layout)  # type: ignore[arg-type]  # one of two
    right = np.arange(48.0).reshape(2, 2, 2, 6)
    x = right_input(p, right, skipped=-1.0)
    assert x.shape == p.input_shape
    assert x.flags.c_contiguous
    planes = x if layout == "nchw" else x.transpose(0, 3, 1, 2)
    # Image 1, group 1, channel 0 of the group: columns 36 to 41, row by row.
    assert planes[1, 2].tolist() == [[36, -1, 37, -1, 38], [-1] * 5, [39, -1, 40, -1, 41]]


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_going_backward_to_the_input_the_gradient_of_the_result_is_read_whole(layout: str) -> None:
    """Image 1, group 1, term 2 of the group is channel 5: columns from 66 on, row by row."""
    p = replace(BACK, layout=layout)  # type: ignore[arg-type]  # one of two
    dy = right_input(p, np.arange(72.0).reshape(2, 2, 3, 6), skipped=-1.0)
    assert dy.shape == p.output_shape
    planes = dy if layout == "nchw" else dy.transpose(0, 3, 1, 2)
    assert planes[1, 5].tolist() == [[66, 67, 68], [69, 70, 71]]


def test_the_gradient_of_weights_has_its_terms_over_all_images() -> None:
    """Terms are pixels of both images, columns input channels: column 1 of group 1 is channel 3.

    Six pixels are read of each image, so term 7 is the second pixel of image 1: row 0, column 2 of the picture.
    """
    right = np.arange(48.0).reshape(1, 2, 12, 2)
    x = right_input(WEIGHTS, right, skipped=0.0)
    assert x[1, 3, 0, 2] == right[0, 1, 7, 1]
    left = np.arange(72.0).reshape(2, 3, 12)
    dy = left_input(WEIGHTS, left)
    assert dy.shape == (2, 6, 2, 3)
    assert dy[1, 5, 0, 1] == left[1, 2, 7]


@pytest.mark.parametrize("layout", ["nchw", "nhwc"])
def test_results_are_arranged_as_each_directions_answer(layout: str) -> None:
    forward = arranged(replace(PROBLEM, layout=layout), np.arange(72.0).reshape(2, 2, 3, 6))  # type: ignore[arg-type]  # one of two
    assert forward.shape == ((2, 6, 2, 3) if layout == "nchw" else (2, 2, 3, 6))
    assert forward[(1, 4, 1, 2) if layout == "nchw" else (1, 1, 2, 4)] == 36 + 18 + 6 + 5
    dx = arranged(replace(BACK, layout=layout), np.arange(1.0, 49.0).reshape(2, 2, 2, 6))  # type: ignore[arg-type]  # one of two
    planes = dx if layout == "nchw" else dx.transpose(0, 3, 1, 2)
    assert planes.shape == (2, 4, 3, 5)
    assert planes[0, 1].tolist() == [[7, 0, 8, 0, 9], [0] * 5, [10, 0, 11, 0, 12]]
    assert arranged(WEIGHTS, np.arange(12.0).reshape(1, 2, 3, 2)).tolist() == np.arange(12.0).reshape(6, 2).tolist()
