"""Cases of whole numbers, whose results must be exact: among them the precision probe, NaN and infinity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import error_bounds, matrix_form
from pointwise_bench.suites.harness.verify.drawing import Case, Drawn, power_of_two_below
from pointwise_bench.suites.harness.verify.drawn.odd_weights import OddWeights, put_in_zero, rows_with_zero
from pointwise_bench.suites.harness.verify.drawn.residuals import LARGEST_RESIDUAL, Residuals
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.reference import activated

Array = npt.NDArray[Any]

# The products must be small enough for the sums, and varied enough that no two weights look alike.
LARGEST_WEIGHT = {"float16": 4, "bfloat16": 2, "float32": 4, "float64": 4}
LARGEST_INPUT = {"float16": 2, "bfloat16": 2, "float32": 8, "float64": 8}
LARGEST_BIAS = {"float16": 3, "bfloat16": 3, "float32": 8, "float64": 8}

TYPICAL = 2.0  # the size of a sum, where sums are kept small: see REACH


class Integers(Drawn):
    """Small integers: every result is exact in the problem's dtype, in whatever order it is added up.

    The left operand has one zero at most, and a few rows of it are odd (:mod:`odd_weights`). The right one has zeros;
    for float16 and bfloat16 as many as it takes for every result to be an integer that the dtype holds: then a single
    sum does not see every term, but another one does, and the real numbers have no zero at all.
    """

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        super().__init__(problem, rng)
        dtype = problem.dtype
        added = LARGEST_BIAS[dtype] + LARGEST_RESIDUAL[dtype] * problem.add
        self.limit = error_bounds.EXACT_INTEGERS[dtype] - added
        self.half = error_bounds.ACCUMULATOR[dtype] != dtype
        largest_sum = self.form.terms * LARGEST_WEIGHT[dtype] * LARGEST_INPUT[dtype] + added
        exact = error_bounds.EXACT_INTEGERS
        assert largest_sum <= exact[error_bounds.ACCUMULATOR[dtype]], f"{problem}: sums are no longer exact"
        # Where they are exact in float32 it adds them up as well as float64, in half the time.
        self.adds_in = np.float32 if largest_sum <= exact["float32"] else np.float64
        self.left = self._nonzero(LARGEST_WEIGHT[dtype], self.form.left)
        if self.half and problem.bias:
            self._balance_rows()
        if problem.direction != "backward-weight":
            put_in_zero(self.left, rng)
        if problem.bias and problem.direction == "forward":
            self.bias = self._nonzero(LARGEST_BIAS[dtype], (problem.out_channels,))

    def _nonzero(self, largest: int, shape: tuple[int, ...]) -> Array:
        return self._drawn_from([*range(-largest, 0), *range(1, largest + 1)], shape)

    def _between(self, shape: tuple[int, ...]) -> Array:
        largest = LARGEST_INPUT[self.problem.dtype]
        return self._drawn_from(range(-largest, largest + 1), shape)

    def _drawn_from(self, values: Sequence[int], shape: tuple[int, ...]) -> Array:
        """As random bytes that are looked up: faster than integers of a range, which are not powers of two."""
        table = np.resize(np.array(values, self.problem.dtype), 256)
        return table[np.frombuffer(self.rng.bytes(math.prod(shape)), np.uint8)].reshape(shape)

    def _balance_rows(self) -> None:
        """Every row's sum small: past the first terms, each second term is the negative of the one before it."""
        paired = self.left[:, :, 16:]
        pairs = paired.shape[2] // 2
        paired[:, :, 1 : 2 * pairs : 2] = -paired[:, :, 0 : 2 * pairs : 2]

    def cases(self) -> tuple[Weights, Case, Case, Case]:
        """The weights, and the cases of integers, of the probe and of poison."""
        right, sums = self._right_and_sums()
        residuals = Residuals(self.problem, self.rng)
        residual = residuals.integers()
        if self.bends:
            self._bring_within_reach(right, sums, residual)
        odd = OddWeights.drawn(self.problem, self.rng, bias=self.bias is not None, spared=rows_with_zero(self.left))
        probe_right, probe_sums = self._probe()
        odd.put_in(self.left, self.bias)
        odd.change(right, sums)
        odd.change(probe_right, probe_sums)
        self.add_bias(sums)
        self.add_bias(probe_sums)
        poisoned = self._poisoned(right, sums, residuals)
        integers = self._exact_case(right, self._between(self.problem.input_shape[2:]), sums, residual)
        probe = self._exact_case(probe_right, 0.0, probe_sums, residuals.against(probe_sums))
        return self.weights(), integers, probe, poisoned

    def _bring_within_reach(self, right: Array, sums: Array, residual: Array | None) -> None:
        """One power of two for all: whatever was an exact sum of integers is one of their fractions. In place."""
        typical = float(np.sqrt(np.square(sums, dtype=np.float64).mean())) if sums.size else 0.0
        unit = min(1.0, power_of_two_below(TYPICAL / typical)) if typical else 1.0
        right *= right.dtype.type(unit)
        sums *= sums.dtype.type(unit)
        if self.bias is not None:
            self.bias *= self.bias.dtype.type(unit)
        if residual is not None:
            residual *= residual.dtype.type(unit)

    def _exact_case(
        self, right: Array, skipped: Array | float, sums: Array, residual: Array | None, left: Array | None = None
    ) -> Case:
        """Of sums that are exact: met bit for bit, but for the rounding of a smooth activation; uses up ``sums``.

        They have the bias, and not yet the residual.
        """
        inputs = self.inputs(right, skipped, left, residual)
        if residual is not None:
            with np.errstate(invalid="ignore"):  # two infinities are the point of it
                sums += residual.astype(sums.dtype)
        answer = activated(self.problem.activation, sums)
        if self.problem.activation not in error_bounds.OWN_ROUNDOFFS:
            return Case(inputs, self.answer(answer, left))
        answer[sums == -np.inf] = 0
        allowed = error_bounds.allowed_of_activation(self.problem, answer, sums)
        return Case(inputs, self.answer(answer), self.answer(allowed), extreme=True)

    def _right_and_sums(self) -> tuple[Array, Array]:
        right = self._between(self.form.right)
        if self.half:
            right[self.rng.random(right.shape, np.float32) >= self._density()] = 0
        sums = matrix_form.product(self.left, right, self.adds_in)
        while (large := np.argwhere(np.abs(sums).max(axis=2, initial=0) > self.limit)).size:
            for image, group, column in large:
                terms = right[image, group, :, column]
                terms[self.rng.random(terms.shape) < 0.5] = 0
                sums[image, group, :, column] = self._column(group, terms)[0, 0, :, 0]
        return right, sums

    def _density(self) -> float:
        """Share of the right operand that is not zero: six standard deviations of a sum stay below the limit."""
        weight, value = LARGEST_WEIGHT[self.problem.dtype], LARGEST_INPUT[self.problem.dtype]
        variance = (weight + 1) * (2 * weight + 1) / 6 * value * (value + 1) / 3  # of one product
        return min(1.0, (self.limit / 6) ** 2 / (variance * max(self.form.terms, 1)))

    def _column(self, group: int, terms: Array) -> Array:
        """The sums of one column, as a product of one image, one group and one column."""
        return matrix_form.product(self.left[group : group + 1], terms.reshape(1, 1, -1, 1), self.adds_in)

    def _probe(self) -> tuple[Array, Array]:
        """An operand with its sums: ``1 + 2**-bits`` as one term of each column, the next one in the next column.

        With integer weights the result is exact, and it is lost by any arithmetic that rounds its operands: what an
        identity matrix would show, without preparing a third layer for it. A sum with a single term is a product, so
        the answer needs no reduction.
        """
        images, groups, terms, columns = self.form.right
        right = np.zeros(self.form.right, self.problem.dtype)
        value = 1.0 + 2.0 ** -error_bounds.PROBE_BITS[self.problem.dtype]
        exact: type[np.floating[Any]] = np.float64 if self.problem.dtype == "float64" else np.float32
        sums = np.zeros((images, groups, self.form.rows, columns), exact)
        if terms:
            probed = self.left.astype(exact) * value
            term = (np.arange(images * groups * columns) % terms).reshape(images, groups, columns)
            for image, group in np.ndindex(images, groups):
                right[image, group, term[image, group], np.arange(columns)] = value
                np.take(probed[group], term[image, group], axis=1, out=sums[image, group])
        return right, sums

    def _poisoned(self, right: Array, sums: Array, residuals: Residuals) -> Case:
        """A NaN in the first term of two columns, an infinity in the last term of two, NaN where nothing is read.

        In the first and the last column, at the ends of the memory, and in middle ones, which have neighbours on both
        sides that could catch it. Only these columns get another answer than the integers have. Where the left
        operand is an input too, a NaN in it takes the whole first row.
        """
        right, sums, left = right.copy(), sums.copy(), self.left
        if 0 not in right.shape:
            last, middle = self.form.groups - 1, self.form.columns // 2
            infinite, of_nan = ((-1, last, -1), (-1, last, middle - 1)), ((0, 0, middle), (0, 0, 0))
            for image, group, column in infinite:
                right[image, group, -1, column] = np.inf
            for image, group, column in of_nan:
                right[image, group, 0, column] = np.nan
            with np.errstate(invalid="ignore"):  # infinity times zero is the point of it
                for image, group, column in (*infinite, *of_nan):
                    answer = self._column(group, right[image, group, :, column])
                    sums[image, group, :, column] = self.add_bias(answer, slice(group, group + 1))[0, 0, :, 0]
            if self.problem.direction == "backward-weight":
                left = left.copy()
                left[0, 0, 0] = np.nan
                sums[0, 0, 0] = np.nan
        return self._exact_case(right, np.nan, sums, residuals.poisoned(sums), left)
