"""How far a result is from a case's answer: equal bit for bit, or by how much of the error that is allowed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

# What judges is bound before any plugin is loaded, which can replace it in its module later.
from numpy import absolute, array_equal, divide, float64, inf, isfinite, isinf, isnan, subtract, where

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory.guarded_arrays import same_bits
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.verify import error_bounds
from pointwise_bench.suites.harness.verify.drawing import Case

Array = npt.NDArray[Any]

BLOCK: Final = 2**14
"""Elements that are compared at once: what that takes stays in a second-level cache."""


class Comparison:
    """Compares results of ``problem``, computed in ``arithmetic``, with answers.

    ``WrongAnswer`` where no error bound is known for that arithmetic.
    """

    def __init__(self, problem: Problem, arithmetic: str) -> None:
        self._problem = problem
        self._widening = _widening(problem, arithmetic)
        # GELU of infinity is infinite, and NaN where its error function is computed as a polynomial times an
        # exponential, infinity times zero there: PyTorch's and OpenVINO's do so on some processors. No number is made
        # of it in either case.
        self._loses_infinity = problem.activation == "gelu"
        self.rule = error_bounds.rule(problem.dtype, arithmetic)
        """The arithmetic that is allowed, in words."""

    def error(self, result: Array, case: Case) -> float:
        """The largest error over what is allowed at its place, infinite where a number is not what it must be."""
        assert case.allowed is not None, "exact answers have no error"
        assert result.shape == case.answer.shape, f"{result.shape} beside {case.answer.shape}"
        its, answer, allowed = (each.reshape(-1) for each in (plain(result), case.answer, case.allowed))
        worst = 0.0
        for start in range(0, its.size, BLOCK):
            part = slice(start, start + BLOCK)
            largest = float(self.errors(its[part], replace(case, answer=answer[part], allowed=allowed[part])).max())
            if largest != largest:  # noqa: PLR0124  # NaN alone differs from itself
                return inf
            worst = max(worst, largest)
        return worst

    def errors(self, result: Array, case: Case) -> Array:
        """The same at each place; NaN where a number is none."""
        assert case.allowed is not None, "exact answers have no error"
        error = subtract(plain(result), case.answer, dtype=float64)
        absolute(error, out=error)
        nothing_allowed = case.allowed == 0  # a sum without terms: the pixels that a stride skips in a gradient
        if nothing_allowed.any():
            error[nothing_allowed & (error != 0)] = inf
            divide(error, case.allowed, out=error, where=~nothing_allowed)
        else:
            error /= case.allowed
        if case.extreme:
            odd = ~isfinite(case.answer)
            its, right = plain(result)[odd], case.answer[odd]
            may_be_nan = isnan(right) | (self._loses_infinity & (right == inf))
            error[odd] = where((its == right) | (isnan(its) & may_be_nan), 0.0, inf)
            error[isinf(case.allowed) & ~odd] = 0.0
        error /= self._widening
        return error

    def error_from(self, result: Array, answer: Array, case: Case) -> float:
        """The same from another answer than the case's own."""
        return self.error(result, replace(case, answer=answer))

    def is_far(self, result: Array, case: Case) -> bool:
        """Whether the error is larger than what is allowed."""
        return self.error(result, case) > 1

    def rounds_to(self, result: Array, candidate: Array) -> bool:
        """Whether ``result`` is what the problem's dtype makes of ``candidate``."""
        return equal(result, plain(candidate.astype(self._problem.dtype)))


def plain(result: Array) -> Array:
    """``result`` in a type that NumPy itself computes with: nothing is lost in it."""
    return result if result.dtype in (np.float32, np.float64) else result.astype(np.float32)


def equal(a: Array, b: Array) -> bool:
    """Whether two arrays are equal element by element, NaN where NaN is; bits, as a rule, which takes a tenth."""
    return (a.dtype == b.dtype and a.shape == b.shape and same_bits(a, b)) or bool(array_equal(a, b, equal_nan=True))


def _widening(problem: Problem, arithmetic: str) -> float:
    try:
        return error_bounds.widening(problem, arithmetic)
    except KeyError:
        known = ", ".join(["own", *error_bounds.REDUCED])
        raise WrongAnswer(f'declares arithmetic "{arithmetic}", for which no bound is known: {known}') from None
