"""Residuals: the other input of a layer that adds one, drawn in the matrix form of the sums that they are added to.

Each is None for a problem without one, and then nothing is drawn: the other numbers of a case stay what they were.
"""

from __future__ import annotations

from math import floor, frexp, log2
from typing import Any, Final

import ml_dtypes
import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify.drawing import REACH
from pointwise_bench.suites.harness.verify.matrix_form import Form

Array = npt.NDArray[Any]

LARGEST_RESIDUAL: Final = {"float16": 3, "bfloat16": 3, "float32": 8, "float64": 8}
"""Of whole numbers."""
LARGEST_ADDED: Final = 2.875
"""Where sums are kept small, see REACH: with a sum of REACH["relu6"] this stays below 6."""
ZERO: Final = 1 / 4
"""The share of usual residuals that is zero, where the smallest of sums can be seen."""
FEW: Final = 1 / 8
"""The share of places among large numbers that have a residual: what the sum is is seen in the others."""


def largest_addend(problem: Problem) -> float:
    """Of bias and residual where sums are kept small: both together stay within :data:`LARGEST_ADDED`."""
    return LARGEST_ADDED / max(1, problem.bias + problem.add)


def sizes_of(residual: Array) -> Array:
    """By which its rounding is judged. What is infinite or no number must be met, and has none."""
    wide = residual.astype(np.float64)
    return np.abs(np.where(np.isfinite(wide), wide, 0.0))


class Residuals:
    """The residuals of one problem's cases."""

    def __init__(self, problem: Problem, rng: np.random.Generator) -> None:
        form = Form.of(problem)
        self._problem, self._rng = problem, rng
        self._shape = (form.images, form.groups, form.rows, form.columns)
        self._terms = form.terms
        self._bends = problem.activation in REACH

    def usual(self) -> Array | None:
        """As large as a typical sum, so that forgetting one is no small error; none below zero before an activation.

        There two questions with opposite sums show each of them, as with the bias.
        """
        if not self._problem.add:
            return None
        drawn = self._rng.standard_normal(self._shape)
        if self._problem.activation != "none":
            np.abs(drawn, out=drawn)
        if self._bends:
            np.minimum(drawn, largest_addend(self._problem), out=drawn)
        else:
            drawn *= self._terms**0.5
        drawn[self._rng.random(self._shape) < ZERO] = 0
        return self._stored(drawn)

    def faint(self) -> Array | None:
        """Small ones of every size, down to the smallest; in one place of four, as what is small shows alone."""
        if not self._problem.add:
            return None
        info = ml_dtypes.finfo(self._problem.dtype)
        smallest, usual = floor(log2(float(info.smallest_subnormal))), floor(log2(float(info.smallest_normal))) + 24
        drawn = np.exp2(self._rng.integers(smallest, usual, self._shape).astype(np.float64)) * self._signs()
        drawn[self._rng.random(self._shape) >= ZERO] = 0
        return self._stored(drawn)

    def loud(self, sums: Array) -> Array | None:
        """Large ones, NaN and infinities, where ``sums`` are no larger than a quarter of the largest number.

        With larger sums it is a question of order whether they overflow first.
        """
        if not self._problem.add:
            return None
        largest = float(ml_dtypes.finfo(self._problem.dtype).max)
        highest = frexp(largest)[1] - 3  # of float64, log2 rounds up
        drawn = np.zeros(self._shape)
        places = self._few(np.abs(sums) <= largest / 4)
        powers = self._rng.integers(0, highest, places.size)
        powers[:1] = highest
        drawn.flat[places] = np.exp2(powers.astype(np.float64)) * self._signs().flat[places]
        self._put_in_odd_ones(drawn, places[1:])
        return self._stored(drawn)

    def integers(self) -> Array | None:
        """Whole numbers that are not zero."""
        if not self._problem.add:
            return None
        largest = LARGEST_RESIDUAL[self._problem.dtype]
        return self._stored(self._rng.integers(1, largest, self._shape, endpoint=True) * self._signs())

    def against(self, sums: Array) -> Array | None:
        """The same with the sign that ``sums`` have not: a sum that has as many digits as the type gets no more."""
        drawn = self.integers()
        if drawn is None:
            return None
        return self._stored(np.where(sums > 0, -1.0, 1.0) * np.abs(drawn.astype(np.float64)))

    def poisoned(self, sums: Array) -> Array | None:
        """Whole numbers, but NaN and both infinities in three places where ``sums`` are finite."""
        drawn = self.integers()
        if drawn is None:
            return None
        wide = drawn.astype(np.float64)
        self._put_in_odd_ones(wide, self._rng.permutation(np.flatnonzero(np.isfinite(sums))))
        return self._stored(wide)

    def _put_in_odd_ones(self, drawn: Array, places: Array) -> None:
        """In place. Half of the places at most: of a sum or two, none or one."""
        odd = self._rng.permutation([np.nan, np.inf, -np.inf])[: (places.size + 1) // 2]
        drawn.flat[places[: odd.size]] = odd

    def _few(self, allowed: npt.NDArray[np.bool_]) -> Array:
        """Some of the places that are allowed, in any order."""
        places = self._rng.permutation(np.flatnonzero(allowed))
        return places[: max(2, int(places.size * FEW))]

    def _signs(self) -> Array:
        return self._rng.choice([-1.0, 1.0], self._shape)

    def _stored(self, drawn: Array) -> Array:
        return np.asarray(drawn).astype(self._problem.dtype)
