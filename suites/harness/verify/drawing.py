"""What all cases are made of: an operand and a bias that were drawn, and the inputs and answers of their layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import matrix_form
from pointwise_bench.suites.harness.verify.matrix_form import Form
from pointwise_bench.suites.harness.verify.questions import Weights

Array = npt.NDArray[Any]

# Beyond this a sum is made smaller before one of these activations: ReLU6 would cut off all but a few sums of a long
# reduction, and the others are a plain line, or nothing, outside of a few units around zero. See `Drawn.bends`.
REACH = {"relu6": 3.0, "silu": 6.0, "hardswish": 6.0, "gelu": 6.0}


@dataclass(frozen=True)
class Case:
    """What the layer is called with, and what it must return."""

    inputs: tuple[Array, ...]  # in the problem's dtype and layout
    answer: Array  # in the shape of `reference.answer`
    allowed: Array | None = None  # the error allowed in each element; None where the answer must be met exactly
    extreme: bool = False  # whether answers may be infinite or NaN, which must be met, or anything (allowed: infinite)


def power_of_two_below(value: float) -> float:
    """The largest power of two that is not above ``value``, which is positive."""
    return float(2.0 ** (math.frexp(value)[1] - 1))


class Drawn:
    """A layer's left operand and bias, and the cases that can be made of them."""

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        self.problem = problem
        self.rng = rng
        self.form = Form.of(problem)
        self.left: Array
        self.bias: Array | None = None

    def weights(self) -> Weights:
        """As the layer is given them."""
        if self.problem.direction == "backward-weight":
            return Weights(weight=None, bias=None)
        return Weights(weight=matrix_form.weight_of(self.problem, self.left), bias=self.bias)

    def inputs(
        self, right: Array, skipped: Array | float, left: Array | None = None, residual: Array | None = None
    ) -> tuple[Array, ...]:
        """Of a right operand, and a residual in the form of sums; ``skipped``: what the pixels not read hold."""
        x = matrix_form.right_input(self.problem, right, skipped)
        if residual is not None:
            return (x, matrix_form.arranged(self.problem, residual))
        if self.problem.direction != "backward-weight":
            return (x,)
        return (x, matrix_form.left_input(self.problem, self.left if left is None else left))

    @property
    def bends(self) -> bool:
        """Whether the activation is one of those that show nothing, or a plain line, of large sums."""
        return self.problem.activation in REACH

    def add_bias(self, sums: Array, group: slice = slice(None)) -> Array:
        """In place; ``group`` are the groups that ``sums`` holds."""
        if self.bias is not None:
            sums += self.bias.astype(sums.dtype).reshape(self.form.groups, -1, 1)[group]
        return sums

    def has_bias_gradient(self) -> bool:
        """Whether an answer has the column of the bias' gradient."""
        return self.problem.bias and self.problem.direction == "backward-weight"

    def answer(self, sums: Array, left: Array | None = None) -> Array:
        """``sums`` in the form of an answer, with the gradient of the bias beside that of the weights."""
        if not self.has_bias_gradient():
            return matrix_form.arranged(self.problem, sums)
        return self.with_bias_gradient(sums, (self.left if left is None else left).astype(sums.dtype).sum(axis=2))

    def with_bias_gradient(self, values: Array, of_bias: Array) -> Array:
        """``values`` of every sum in the form of an answer, ``of_bias`` as the last column."""
        return matrix_form.arranged(self.problem, np.concatenate([values, of_bias[None, :, :, None]], axis=3))
