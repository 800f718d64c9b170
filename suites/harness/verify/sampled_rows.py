"""Some rows of a problem as a problem of its own: what a result of any input is held against at a part of the cost.

A row is an output channel (an input channel in ``backward-input``), whose results depend on its own weights alone.
Which rows are looked at is drawn when the result has been handed over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from secrets import randbelow
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.verify import error_bounds, reference
from pointwise_bench.suites.harness.verify.drawing import Case
from pointwise_bench.suites.harness.verify.matrix_form import Form
from pointwise_bench.suites.harness.verify.questions import Weights

Array = npt.NDArray[Any]

SAMPLED_MACS: Final = POLICY.gate.sampled_macs


@dataclass(frozen=True)
class SampledRows:
    """Some rows of ``whole``: a smaller problem, its weights, and where they are in the whole result."""

    problem: Problem
    weights: Weights
    rows: Array  # in the whole
    axis: int  # of the rows in a result

    @classmethod
    def drawn(cls, whole: Problem, weights: Weights) -> SampledRows:
        """As many as the policy allows, the same of every group, unforeseeable."""
        form = Form.of(whole)
        of_one = max(1, form.images * form.groups * form.terms * form.columns)
        count = min(form.rows, max(1, SAMPLED_MACS // of_one))
        rng = np.random.default_rng(randbelow(2**64))
        own = np.sort(rng.choice(form.rows, count, replace=False))
        rows = (np.arange(form.groups)[:, None] * form.rows + own).ravel()
        channel = 1 if whole.layout == "nchw" else 3
        if whole.direction == "backward-input":
            weight = None if weights.weight is None else np.ascontiguousarray(weights.weight[:, own])
            problem = replace(whole, in_channels=rows.size)
            return cls(problem, Weights(weight=weight, bias=None), rows, channel)
        problem = replace(whole, out_channels=rows.size)
        if whole.direction == "backward-weight":
            return cls(problem, weights, rows, 0)
        weight, bias = (None if each is None else each[rows] for each in (weights.weight, weights.bias))
        return cls(problem, Weights(weight=weight, bias=bias), rows, channel)

    def case(self, inputs: tuple[Array, ...]) -> Case:
        """What these rows of a result for ``inputs`` must be, and how far from it they may be."""
        if len(inputs) > 1:  # dy, or a residual
            x, other = inputs
            inputs = (x, other.take(self.rows, 1 if self.problem.layout == "nchw" else 3))
        weights = self.weights.weight, self.weights.bias
        of_sums = inputs[:1] if self.problem.add else inputs
        before = reference.answer(replace(self.problem, activation="none", add=False), of_sums, *weights)
        sums = before + inputs[1].astype(np.float64) if self.problem.add else before
        answer = reference.activated(self.problem.activation, sums.copy())
        magnitude = reference.magnitudes(self.problem, inputs, *weights)
        return Case(inputs, answer, error_bounds.allowed(self.problem, magnitude, answer, sums, before))

    def of(self, result: Array) -> Array:
        """These rows of a whole result."""
        return result.take(self.rows, self.axis)
