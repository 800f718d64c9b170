"""The cases of one problem: inputs with which its layers are called, and the answers that they must return.

Made once per problem by the harness. A worker is given the :class:`Questions` among them; the answers stay here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import ml_dtypes
import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory.input_windows import pool_size
from pointwise_bench.suites.harness.verify import error_bounds, matrix_form
from pointwise_bench.suites.harness.verify.drawing import REACH, Case, Drawn, power_of_two_below
from pointwise_bench.suites.harness.verify.extremes import Extremes, Products, lost_at_most, powers_of_terms
from pointwise_bench.suites.harness.verify.odd_weights import OddWeights, put_in_zero, rows_with_zero
from pointwise_bench.suites.harness.verify.questions import Questions, Weights
from pointwise_bench.suites.harness.verify.reference import activated

Array = npt.NDArray[Any]

# Of the integers: the products must be small enough for the sums, and varied enough that no two weights look alike.
LARGEST_WEIGHT = {"float16": 4, "bfloat16": 2, "float32": 4, "float64": 4}
LARGEST_INPUT = {"float16": 2, "bfloat16": 2, "float32": 8, "float64": 8}
LARGEST_BIAS = {"float16": 3, "bfloat16": 3, "float32": 8, "float64": 8}

# Where sums are kept small, see REACH:
LARGEST_BIAS_OF_REALS = 2.875  # with a sum of REACH["relu6"] it stays below 6
TYPICAL = 2.0  # the size of a sum of integers


@dataclass(frozen=True, kw_only=True)
class CaseSet:
    """All cases of one problem.

    They are for two layers: one with real weights, which is also the one that is timed, and one with integer
    weights, whose results must be exact.
    """

    real: Weights
    first: Case  # zero-mean reals; the input of the timing
    second: Case  # the opposite of the first
    faint: Case  # small numbers, down to subnormal ones
    loud: Case  # large ones, up to overflow; NaN and infinity
    integer: Weights
    integers: Case
    probe: Case  # 1 + 2**-bits as the one non-zero term of each sum
    poisoned: Case  # NaN and infinity among the integers, and NaN in every pixel that is skipped
    pools: tuple[Array, ...]  # of which the inputs of timed calls are made

    @classmethod
    def of(cls, problem: Problem, seed: int) -> CaseSet:
        """The cases of ``problem``: the same for the same seed, unforeseeable for a backend."""
        rng = np.random.default_rng([seed, *problem.id.encode()])
        real, first, second, faint, loud = _Reals(problem, rng).cases()
        integer, integers, probe, poisoned = _Integers(problem, rng).cases()
        return cls(
            real=real,
            first=first,
            second=second,
            faint=faint,
            loud=loud,
            integer=integer,
            integers=integers,
            probe=probe,
            poisoned=poisoned,
            pools=tuple(_pool(each, rng, _scale_of_pools(problem)) for each in first.inputs),
        )

    def questions(self) -> Questions:
        """What of this a worker may know."""
        return Questions(
            real=self.real,
            first=self.first.inputs,
            second=self.second.inputs,
            faint=self.faint.inputs,
            loud=self.loud.inputs,
            integer=self.integer,
            integers=self.integers.inputs,
            probe=self.probe.inputs,
            poisoned=self.poisoned.inputs,
            pools=self.pools,
        )


def _scale_of_pools(problem: Problem) -> float:
    """A power of two that keeps sums of the timed calls where the activation bends, 1 where it does not matter."""
    if problem.activation not in REACH:
        return 1.0
    return power_of_two_below(1 / max(1, problem.reduction_length) ** 0.5)


def _pool(array: Array, rng: np.random.Generator, scale: float) -> Array:
    """Of the inputs of timed calls that are of the kind of ``array``: two of its numbers add up to ``scale**2``.

    That is their variance.
    """
    drawn = rng.random(pool_size(array.size, array.itemsize), np.float64 if array.itemsize == 8 else np.float32)
    drawn -= 0.5
    drawn *= 6**0.5 * scale
    return drawn.astype(array.dtype, copy=False)


# --- drawing and answering ------------------------------------------------------------------------------------
#
# The plain reference would take six times the work of one product. What is done instead gives the same answers, and a
# test holds all of them to the reference: see the comments at each step.


class _Reals(Drawn):
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
            np.minimum(bias, LARGEST_BIAS_OF_REALS, out=bias)
        if bias.size > 1:
            bias[self.rng.permutation(bias.size)[: max(1, bias.size // 8)]] = 0
        return np.asarray(bias, self.problem.dtype)

    def cases(self) -> tuple[Weights, Case, Case, Case, Case]:
        usual = self._drawn_products()
        extremes = Extremes(self.problem, self.left, usual, self.rng)
        seen = self._within_reach(usual) if self.bends else usual
        with np.errstate(over="ignore", invalid="ignore"):
            return (
                self.weights(),
                self._case(seen, self._skipped()),
                self._case(seen.negated(), self._skipped()),
                self._extreme_case(extremes.faint()),
                self._extreme_case(extremes.loud()),
            )

    def _drawn_products(self) -> Products:
        images, groups, terms, columns = self.form.right
        of_terms = self.rng.uniform(0.5, 1.5, (groups, terms, 1)) / self.powers.swapaxes(1, 2)
        of_columns = self.rng.uniform(0.5, 1.5, (images, 1, 1, columns))
        right = self._signed(of_terms * of_columns)
        # Rounding to the dtype may have made an operand larger than the outer product, by one unit roundoff. The
        # magnitude itself needs no more than float32's digits, but must not come out too small either.
        of_columns *= (1 + error_bounds.UNIT_ROUNDOFF[self.problem.dtype]) * (1 + 2.0**-21)
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

    def _case(self, products: Products, skipped: Array | float, lost: float = 0.0) -> Case:
        """``lost``: how far any element may lie from the answer beside the error that arithmetic makes."""
        magnitude = products.magnitude
        if self.bias is not None:
            magnitude = magnitude + np.abs(self.bias.astype(magnitude.dtype)).reshape(self.form.groups, -1, 1)
        sums = self.add_bias(products.sums.copy())
        answer = activated(self.problem.activation, sums.copy() if self.bends else sums)
        allowed = error_bounds.allowed(self.problem, magnitude, answer, sums)
        if lost:
            allowed += magnitude.dtype.type(lost * error_bounds.STEEPEST.get(self.problem.activation, 1.0))
            if self.problem.activation in error_bounds.OWN_ROUNDOFFS:
                self._leave_open(allowed, answer, sums)
        return Case(self.inputs(products.right, skipped), self.answer(answer), self._arranged_bounds(allowed))

    def _leave_open(self, allowed: Array, answer: Array, sums: Array) -> None:
        """Anything is right where a smooth activation computes beyond the type though its result would fit; in place.

        Hard-swish may take six times the sum first. Of minus infinity all of them are zero, or NaN as a product with
        infinity, by the order in which they are computed.
        """
        large = float(ml_dtypes.finfo(self.problem.dtype).max) / 8
        of_no_use = (sums <= -large) | ((sums >= large) & np.isfinite(sums))
        answer[sums <= -large] = 0
        allowed[of_no_use] = np.inf

    def _extreme_case(self, products: Products) -> Case:
        """What the dtype does not hold is infinite; where a bias decides whether it does, anything is right."""
        case = self._case(products, np.nan, lost_at_most(self.problem))
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


class _Integers(Drawn):
    """Small integers: every result is exact in the problem's dtype, in whatever order it is added up.

    The left operand has one zero at most, and a few rows of it are odd (:mod:`odd_weights`). The right one has zeros;
    for float16 and bfloat16 as many as it takes for every result to be an integer that the dtype holds: then a single
    sum does not see every term, but another one does, and the real numbers have no zero at all.
    """

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        super().__init__(problem, rng)
        dtype = problem.dtype
        self.limit = error_bounds.EXACT_INTEGERS[dtype] - LARGEST_BIAS[dtype]
        self.half = error_bounds.ACCUMULATOR[dtype] != dtype
        largest_sum = self.form.terms * LARGEST_WEIGHT[dtype] * LARGEST_INPUT[dtype] + LARGEST_BIAS[dtype]
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
        right, sums = self._right_and_sums()
        if self.bends:
            self._bring_within_reach(right, sums)
        odd = OddWeights.drawn(self.problem, self.rng, bias=self.bias is not None, spared=rows_with_zero(self.left))
        probe_right, probe_sums = self._probe()
        odd.put_in(self.left, self.bias)
        odd.change(right, sums)
        odd.change(probe_right, probe_sums)
        self.add_bias(sums)
        poisoned = self._poisoned(right, sums)
        integers = self._exact_case(self.inputs(right, self._between(self.problem.input_shape[2:])), sums)
        probe = self._exact_case(self.inputs(probe_right, 0.0), self.add_bias(probe_sums))
        return self.weights(), integers, probe, poisoned

    def _bring_within_reach(self, right: Array, sums: Array) -> None:
        """One power of two for all: whatever was an exact sum of integers is one of their fractions. In place."""
        typical = float(np.sqrt(np.square(sums, dtype=np.float64).mean())) if sums.size else 0.0
        unit = min(1.0, power_of_two_below(TYPICAL / typical)) if typical else 1.0
        right *= right.dtype.type(unit)
        sums *= sums.dtype.type(unit)
        if self.bias is not None:
            self.bias *= self.bias.dtype.type(unit)

    def _exact_case(self, inputs: tuple[Array, ...], sums: Array, left: Array | None = None) -> Case:
        """Of sums that are exact: met bit for bit, but for the rounding of a smooth activation; uses up ``sums``."""
        if self.problem.activation not in error_bounds.OWN_ROUNDOFFS:
            return Case(inputs, self.answer(activated(self.problem.activation, sums), left))
        answer = activated(self.problem.activation, sums)
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

    def _poisoned(self, right: Array, sums: Array) -> Case:
        """A NaN in the first term of two columns, an infinity in the last term of two, NaN where nothing is read.

        In the first and the last column, at the ends of the memory, and in middle ones, which have neighbours on both
        sides that could catch it. Only these columns get another answer than the integers have. Where the left
        operand is an input too, a NaN in it takes the whole first row.
        """
        right, sums, left = right.copy(), sums.copy(), self.left
        if 0 not in right.shape:
            last, middle = self.form.groups - 1, self.form.columns // 2
            poisoned = ((-1, last, -1), (-1, last, middle - 1), (0, 0, middle), (0, 0, 0))
            for (image, group, column), term, value in zip(
                poisoned, (-1, -1, 0, 0), (np.inf, np.inf, np.nan, np.nan), strict=True
            ):
                right[image, group, term, column] = value
            with np.errstate(invalid="ignore"):  # infinity times zero is the point of it
                for image, group, column in poisoned:
                    answer = self._column(group, right[image, group, :, column])
                    sums[image, group, :, column] = self.add_bias(answer, slice(group, group + 1))[0, 0, :, 0]
            if self.problem.direction == "backward-weight":
                left = left.copy()
                left[0, 0, 0] = np.nan
                sums[0, 0, 0] = np.nan
        return self._exact_case(self.inputs(right, np.nan, left), sums, left)
