"""Cases of real numbers for the layer that is timed: usual ones, small ones and large ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import ml_dtypes
import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import error_bounds, matrix_form
from pointwise_bench.suites.harness.verify.drawing import REACH, Case, Drawn
from pointwise_bench.suites.harness.verify.drawn.extremes import Extremes, Products, lost_at_most, powers_of_terms
from pointwise_bench.suites.harness.verify.drawn.residuals import Residuals, largest_addend, sizes_of
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.reference import activated

Array = npt.NDArray[Any]

ENLARGED: Final = 1 + 2.0**-21
"""Every term of a magnitude is made larger by so much: four times what each rounding of their sum to float32 takes."""


class Reals(Drawn):
    """Zero-mean reals. The bias is as large as a typical sum, so that forgetting it is no small error.

    The right operand is ``sign * size of the term * size of the column`` with random signs: ``|right|`` is an outer
    product, and so ``|left| |right|`` is one too and needs no second reduction. Weights of some terms are a million
    times smaller than the others and meet values that are larger by as much: who leaves small weights out is as far
    off as who leaves out any.
    """

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        super().__init__(problem, rng)
        drawn = np.float64 if problem.dtype == "float64" else np.float32
        # Uniform, which is drawn in a fifth of a normal distribution's time; the factor makes their variance 1 and
        # uses all the digits of small ones too.
        left = rng.random(self.form.left, drawn)
        left -= 0.5
        left *= 12**0.5
        self.powers = powers_of_terms(self.form, problem.dtype, rng)
        left *= self.powers.astype(drawn)
        self.left = left.astype(problem.dtype, copy=False)
        if problem.bias and problem.direction == "forward":
            self.bias = self._drawn_bias()
        self.residuals = Residuals(problem, rng)

    def _drawn_bias(self) -> Array:
        """None in one channel of eight, where the smallest of sums can be seen; none below zero before a ReLU.

        There ``max(0, b + s)`` and ``max(0, b - s)`` show each sum ``s``: in one of them it is alive. So it is with the
        other activations; before ReLU6 both stay below 6.
        """
        bias = self.rng.standard_normal(self.problem.out_channels)
        if not self.bends:
            bias *= self.form.terms**0.5
        if self.problem.activation != "none":
            np.abs(bias, out=bias)
        if self.bends:
            np.minimum(bias, largest_addend(self.problem), out=bias)
        if bias.size > 1:
            bias[self.rng.permutation(bias.size)[: max(1, bias.size // 8)]] = 0
        return np.asarray(bias, self.problem.dtype)

    def cases(self) -> tuple[Weights, Case, Case, Case, Case]:
        """The weights, the first case and the second, the faint and the loud one."""
        usual = self._drawn_products()
        extremes = Extremes(self.problem, self.left, usual, self.rng)
        seen = self._within_reach(usual) if self.bends else usual
        residuals = self.residuals
        with np.errstate(over="ignore", invalid="ignore"):
            first = self._case(seen, residuals.usual(), self._skipped())
            second = self._case(seen.negated(), residuals.usual(), self._skipped())
            faint = self._extreme_case(extremes.faint(), residuals.faint())
            large = extremes.loud()
            return self.weights(), first, second, faint, self._extreme_case(large, residuals.loud(large.sums))

    def _drawn_products(self) -> Products:
        images, groups, terms, columns = self.form.right
        of_terms = self.rng.uniform(0.5, 1.5, (groups, terms, 1)) / self.powers.swapaxes(1, 2)
        of_columns = self.rng.uniform(0.5, 1.5, (images, 1, 1, columns))
        right = self._signed(of_terms * of_columns)
        # Rounding to the dtype may have made an operand larger than the outer product, by one unit roundoff. The
        # magnitude itself needs no more than float32's digits, but must not come out too small either.
        of_columns *= (1 + error_bounds.UNIT_ROUNDOFF[self.problem.dtype]) * ENLARGED
        of_rows = matrix_form.product(np.abs(self.left), of_terms[None], np.float64)
        magnitude = of_rows.astype(np.float32) * of_columns.astype(np.float32)
        return Products(right, matrix_form.product(self.left, right, np.float64), magnitude)

    def _within_reach(self, products: Products) -> Products:
        """Each column made smaller by a power of two, where its sums are larger than the activation shows.

        Powers of two keep sums and their bounds as exact as they are. That of a column of float16 is above 2^-8 up to
        some 10,000 terms, which leaves all its numbers normal ones.
        """
        peaks = np.abs(products.sums).max(axis=(1, 2), initial=0.0)[:, None, None, :]
        reach = REACH[self.problem.activation]
        powers = np.floor(np.log2(reach / np.maximum(peaks, reach)))
        exact = np.exp2(powers)
        return Products(
            products.right * exact.astype(self.problem.dtype),
            products.sums * exact,
            products.magnitude * exact.astype(products.magnitude.dtype),
        )

    def _case(
        self, products: Products, residual: Array | None, skipped: Array | float, lost: float | Array | None = None
    ) -> Case:
        """``lost``: how far any element may lie from the answer beside the error that arithmetic makes; or each one."""
        magnitude = products.magnitude  # enlarged when it was drawn
        if self.bias is not None:
            magnitude = magnitude + ENLARGED * np.abs(self.bias.astype(magnitude.dtype)).reshape(
                self.form.groups, -1, 1
            )
        sums = self.add_bias(products.sums.copy())
        before = sums
        if residual is not None:
            magnitude = magnitude + ENLARGED * sizes_of(residual).astype(magnitude.dtype)
            sums = before + residual.astype(np.float64)
        answer = activated(self.problem.activation, sums.copy() if self.bends else sums)
        allowed = error_bounds.allowed(self.problem, magnitude, answer, sums, before)
        if lost is not None:
            steepest = error_bounds.STEEPEST.get(self.problem.activation, 1.0)
            allowed += np.asarray(lost * steepest).astype(magnitude.dtype)
            if self.problem.activation in error_bounds.OWN_ROUNDOFFS:
                self._leave_open(allowed, answer, sums)
        inputs = self.inputs(products.right, skipped, residual=residual)
        return Case(inputs, self.answer(answer), self._arranged_bounds(allowed))

    def _leave_open(self, allowed: Array, answer: Array, sums: Array) -> None:
        """Anything is right where a smooth activation computes beyond the type though its result would fit; in place.

        Hard-swish may take six times the sum first. Of minus infinity all of them are zero, or NaN as a product with
        infinity, by the order in which they are computed.
        """
        large = float(ml_dtypes.finfo(self.problem.dtype).max) / 8
        of_no_use = (sums <= -large) | ((sums >= large) & np.isfinite(sums))
        answer[sums <= -large] = 0
        allowed[of_no_use] = np.inf

    def _extreme_case(self, products: Products, residual: Array | None) -> Case:
        """What the dtype does not hold is infinite; where a bias decides whether it does, anything is right."""
        lost: float | Array = lost_at_most(self.problem)
        if residual is not None:
            lost = lost + error_bounds.beside_the_largest(self.problem) * sizes_of(residual)
        case = self._case(products, residual, np.nan, lost)
        assert case.allowed is not None
        stored = case.answer.astype(self.problem.dtype).astype(np.float64)
        overflown = np.isinf(stored)
        if self.problem.activation not in error_bounds.OWN_ROUNDOFFS:
            case.allowed[np.isinf(case.allowed) & (case.answer == 0)] = 0  # what a ReLU has made of minus infinity
        if self.bias is not None:
            largest = float(ml_dtypes.finfo(self.problem.dtype).max)
            doubtful = 4 * float(np.abs(self.bias.astype(np.float64)).max(initial=0))
            case.allowed[np.abs(np.abs(case.answer) - largest) <= doubtful] = np.inf
        case.answer[overflown] = stored[overflown]
        return replace(case, extreme=True)

    def _signed(self, sizes: Array) -> Array:
        """``sizes`` in the problem's dtype, each with a random sign."""
        signs = self.rng.integers(0, 1, sizes.shape, np.int8, endpoint=True)
        signs += signs
        signs -= 1
        sizes *= signs
        return sizes.astype(self.problem.dtype, copy=False)

    def _skipped(self) -> Array:
        """Other numbers for the pixels that are not read: not one for each, since NaN is put there as well."""
        return self._signed(self.rng.uniform(0.25, 2.25, self.problem.input_shape[2:]))

    def _arranged_bounds(self, allowed: Array) -> Array:
        if not self.has_bias_gradient():
            return matrix_form.arranged(self.problem, allowed)
        left = self.left.astype(np.float64)
        of_bias = error_bounds.allowed(self.problem, np.abs(left).sum(axis=2), left.sum(axis=2))
        return self.with_bias_gradient(allowed, of_bias)
