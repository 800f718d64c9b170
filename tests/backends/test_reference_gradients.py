"""The reference's gradients are those of torch's automatic differentiation."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from late_import import late_import

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify.reference import backward_input, backward_weight

torch = late_import("torch")

AXES = {"layout": ("nchw", "nhwc"), "stride": (1, 2, 3), "groups": (1, 2), "bias": (False, True)}
PROBLEMS = [
    *(
        Problem(
            batch=2,
            in_channels=4,
            out_channels=6,
            height=4,
            width=5,
            dtype="float64",
            **dict(zip(AXES, values, strict=True)),  # type: ignore[arg-type]
        )
        for values in product(*AXES.values())
    ),
    Problem(batch=1, in_channels=1, out_channels=1, height=1, width=1, dtype="float64"),
    Problem(batch=1, in_channels=3, out_channels=3, height=2, width=2, groups=3, layout="nhwc", dtype="float64"),
    Problem(batch=3, in_channels=2, out_channels=1, height=1, width=6, stride=4, dtype="float64"),
]


@pytest.mark.parametrize("problem", PROBLEMS, ids=str)
def test_gradients_are_those_of_automatic_differentiation(problem: Problem) -> None:
    rng = np.random.default_rng(1)
    x, weight = rng.standard_normal(problem.input_shape), rng.standard_normal(problem.weight_shape)
    bias = rng.standard_normal(problem.out_channels) if problem.bias else None
    dy = rng.standard_normal(problem.output_shape)
    with torch.enable_grad():
        tensors: list[Any] = [
            None if each is None else torch.tensor(each, requires_grad=True) for each in (x, weight, bias)
        ]
        image = tensors[0].permute(0, 3, 1, 2) if problem.layout == "nhwc" else tensors[0]
        kernel = tensors[1][:, :, None, None]
        y = torch.nn.functional.conv2d(image, kernel, tensors[2], stride=problem.stride, groups=problem.groups)
        (y.permute(0, 2, 3, 1) if problem.layout == "nhwc" else y).backward(torch.tensor(dy))
    dx = backward_input(replace(problem, direction="backward-input"), dy, weight)
    dw = backward_weight(replace(problem, direction="backward-weight"), x, dy)
    np.testing.assert_allclose(dx, tensors[0].grad.numpy(), rtol=1e-12, atol=1e-13)
    expected = tensors[1].grad.numpy()
    if problem.bias:
        expected = np.column_stack([expected, tensors[2].grad.numpy()])
    np.testing.assert_allclose(dw, expected, rtol=1e-12, atol=1e-13)
