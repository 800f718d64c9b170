"""Questions of numbers of every size that a type has, made of one whose sums are known, without adding anything up.

What is scaled by a power of two has sums scaled by it, and a sum of one term is a product. So a column of a right
operand becomes as small or as large as the type allows, or keeps one term, which shows one weight of every row alone;
and what NaN or infinity does to a sum is decided by the weight that it meets.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, frexp, log2
from typing import Any, Final

import ml_dtypes
import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify import error_bounds
from pointwise_bench.suites.harness.verify.matrix_form import Form

Array = npt.NDArray[Any]

SMALLEST_WEIGHTS: Final = {"float16": -6, "bfloat16": -20, "float32": -20, "float64": -20}
LARGEST_WEIGHTS: Final = {"float16": 2, "bfloat16": 2, "float32": 2, "float64": 2}
"""Powers of two by which some weights are smaller or larger than the others; the values they meet make up for it.

Larger ones were tried: with 2^10 a few terms are most of a sum, every other term is rounded to their digits, and
correct code in float32 reaches the bound of 32 unit roundoffs at a thousand terms. Four honest cells in 1,200 were
refused.
"""
SMALLEST_VALUE: Final = 0.25
LARGEST_VALUE: Final = 4.0
"""Between these are the sizes of what is made larger or smaller here, but for such powers."""
ODD_KINDS: Final = ((np.nan,), (np.inf,), (-np.inf, -np.inf), (np.inf, -np.inf))
"""What is no number, as it stands in the terms of a column: NaN, an infinity, two of one sign and two of both."""
CLEARLY: Final = 14  # powers of two between a sum and what may be lost of it where small numbers count as zero


@dataclass(frozen=True)
class Products:
    """A right operand, its sums with the left one in float64, and the sums of its sizes: of the bias nothing yet."""

    right: Array
    sums: Array
    magnitude: Array

    def negated(self) -> Products:
        """That of the opposite operand: what a ReLU hides of one, it shows of the other."""
        return Products(-self.right, -self.sums, self.magnitude)


def powers_of_terms(form: Form, dtype: str, rng: np.random.Generator) -> Array:
    """Powers of two by which weights of one term in eight are larger or smaller, shape ``(groups, 1, terms)``.

    One term has the largest of them, so that there are products which overflow.
    """
    shape = (form.groups, 1, form.terms)
    chosen = rng.random(shape) < 1 / 8
    drawn = rng.integers(SMALLEST_WEIGHTS[dtype], LARGEST_WEIGHTS[dtype], shape, endpoint=True)
    if form.terms:
        strongest = rng.integers(form.terms)
        chosen[:, :, strongest] = True
        drawn[:, :, strongest] = LARGEST_WEIGHTS[dtype]
    return np.where(chosen, np.exp2(drawn.astype(np.float64)), 1.0)


def lost_at_most(problem: Problem) -> float:
    """What a sum loses at most where numbers below the smallest normal one count as zero.

    Libraries and instructions do so by design (XLA's threads, products of bfloat16), and no layer of a network can
    tell. float16 is computed with in float32, where its subnormal numbers are ordinary.
    """
    terms = Form.of(problem).terms + problem.add
    lost = 2 * (terms + 2) * _smallest_normal(error_bounds.ACCUMULATOR[problem.dtype])
    if problem.dtype == "float16":
        return lost
    return lost + 2 * _smallest_normal(problem.dtype) * 2.0 ** LARGEST_WEIGHTS[problem.dtype]  # of a term alone


class Extremes:
    """The two questions that are made of ``usual``, whose left operand is ``left``."""

    def __init__(self, problem: Problem, left: Array, usual: Products, rng: np.random.Generator) -> None:
        self._dtype = problem.dtype
        self._left = left
        self._usual = usual
        self._rng = rng
        self._form = Form.of(problem)
        self._places = self._form.images * self._form.columns  # of columns, the same in all groups
        # Powers of two: of the smallest number and the largest one; of a column that meets the largest weights without
        # a number below the normal ones, and of one whose sums are so far above what may be lost that none vanishes.
        info = ml_dtypes.finfo(problem.dtype)
        self._smallest = ceil(log2(float(info.smallest_subnormal)))
        self._lowest = ceil(log2(_smallest_normal(problem.dtype) / SMALLEST_VALUE)) + LARGEST_WEIGHTS[problem.dtype]
        self._largest = frexp(float(info.max))[1] - 1  # of float64, log2 rounds up to a power that it does not have
        lost = log2(_smallest_normal(error_bounds.ACCUMULATOR[problem.dtype]) * (self._form.terms + 2))
        self._clear = max(self._lowest, ceil(lost) + CLEARLY)

    def faint(self) -> Products:
        """Small numbers: of half of the columns such that no sum may vanish, of the others down to the smallest."""
        clear = self._rng.integers(self._clear, self._clear + 8, self._places)
        any_size = self._rng.integers(self._lowest, self._clear + 8, self._places)
        powers = np.where(self._rng.random(self._places) < 0.5, any_size, clear)
        if self._places < len(ODD_KINDS):
            powers = clear
        products = self._scaled(powers)
        alone = self._alone()
        terms = self._rng.permutation(self._form.terms)
        self._leave_alone(products, alone, terms, self._rng.integers(self._smallest, 0, alone.size))
        return products

    def loud(self) -> Products:
        """Large numbers: sums up to a quarter of the largest, single terms that overflow, NaN, infinities."""
        sizes = max(float(self._usual.magnitude.max(initial=0)), LARGEST_VALUE * 2.0 ** -SMALLEST_WEIGHTS[self._dtype])
        highest = self._largest - 2 - ceil(log2(sizes))
        powers = self._rng.integers(0, 2 * max(1, highest), self._places).clip(min(0, highest), highest)
        if self._places < len(ODD_KINDS):
            powers = np.full(self._places, highest)
        products = self._scaled(powers)
        alone = self._alone()
        powers = self._rng.integers(0, 2 * self._largest, alone.size).clip(0, self._largest)
        powers[:1] = self._largest
        self._leave_alone(products, alone, self._strongest_first(), powers)
        self._put_in_what_is_no_number(products, alone)
        return products

    def _scaled(self, powers: Array) -> Products:
        """The usual question with each column scaled by the power of two at its place."""
        exact = np.exp2(powers.astype(np.float64)).reshape(self._form.images, 1, 1, self._form.columns)
        wide = np.float64 if self._dtype == "float64" else np.float32
        usual = self._usual
        return Products(
            usual.right * exact.astype(self._dtype),
            usual.sums * exact,
            usual.magnitude.astype(wide, copy=False) * exact.astype(wide),
        )

    def _alone(self) -> Array:
        """The places of columns that keep one term: half of them, as many as there are terms at most."""
        return self._rng.permutation(self._places)[: min(self._places // 2, self._form.terms)]

    def _strongest_first(self) -> Array:
        """The terms in any order, but for the one with the largest weights."""
        terms = self._rng.permutation(self._form.terms)
        if terms.size and self._left.size:
            strongest = int(np.abs(self._left).max(axis=(0, 1)).argmax())
            terms = np.concatenate([[strongest], terms[terms != strongest]])
        return terms

    def _leave_alone(self, products: Products, places: Array, terms: Array, powers: Array) -> None:
        """One term in each column at ``places``, another one each time, of the power of two that is given."""
        image, column = np.divmod(places, max(self._form.columns, 1))
        term = terms[: places.size]
        signs = self._rng.choice([-1.0, 1.0], places.size)
        value = (signs * np.exp2(powers.astype(np.float64)))[:, None, None]
        products.right[image, :, :, column] = 0
        products.right[image, :, term, column] = value[:, 0].astype(self._dtype)
        sums = self._left[:, :, term].transpose(2, 0, 1).astype(np.float64) * value
        products.sums[image, :, :, column] = sums
        products.magnitude[image, :, :, column] = np.abs(sums)

    def _put_in_what_is_no_number(self, products: Products, alone: Array) -> None:
        """One of :data:`ODD_KINDS` in a column each, whatever else is in it.

        Not in those that keep one term, whose product may overflow: whether it does before it meets an infinity is a
        question of order. A single column has one in half of the cases, as nothing else is seen beside it.
        """
        count = int(self._rng.integers(2)) if self._places == 1 else min(len(ODD_KINDS), self._places // 2)
        free = np.setdiff1d(np.arange(self._places), alone)
        chosen = self._rng.permutation(free)[:count]
        for place, kind in zip(chosen.tolist(), self._rng.permutation(len(ODD_KINDS)).tolist(), strict=False):
            image, column = divmod(place, self._form.columns)
            values = ODD_KINDS[kind]
            terms = self._rng.permutation(self._form.terms)[: len(values)]
            for term, value in zip(terms, values, strict=False):  # of a column with one term, the first value alone
                products.right[image, :, term, column] = value
                products.sums[image, :, :, column] += self._left[:, :, term].astype(np.float64) * value


def _smallest_normal(dtype: str) -> float:
    return float(ml_dtypes.finfo(dtype).smallest_normal)
