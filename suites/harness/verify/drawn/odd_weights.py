"""Weights that are no numbers, or zero, in a few rows of the integer layer: what they do to sums needs no product.

A weight that is NaN makes NaN of its row, and an infinite one makes infinities of it, and NaN where it meets a zero.
So who cleans such weights, or is told that there are none, is as far off as who leaves a row out. The other rows stay
what they were, and are as exact. A zero meets the infinity among the inputs, which is NaN: who skips zeros is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.verify.matrix_form import Form

Array = npt.NDArray[Any]

ROWS_FOR_ONE: Final = 8
"""Rows of the layer for each that is odd: what is exact is seen in the others ..."""
ROWS_FOR_BOTH: Final = 4
"""... but from so many on one is odd by its weights and one by its bias: of eight rows one had been odd, and who cleans
the bias alone had passed in half of all runs."""


@dataclass(frozen=True)
class OddWeight:
    """A weight at ``term`` of a row of a group."""

    group: int
    row: int
    term: int
    value: float


@dataclass(frozen=True)
class OddWeights:
    """The odd ones of a layer; ``bias``: of channels, by their number."""

    weights: tuple[OddWeight, ...] = ()
    bias: tuple[tuple[int, float], ...] = ()

    @classmethod
    def drawn(
        cls, problem: Problem, rng: np.random.Generator, *, bias: bool, spared: frozenset[int] = frozenset()
    ) -> OddWeights:
        """One row in eight, each with one odd number, and two of four rows at least; one of fewer rows, of one none.

        None for ``backward-weight``, whose inputs are all that it has, and none for a ``backward-input`` with a stride:
        as the convolution of a gradient with zeros between its pixels, which libraries compute, it makes NaN of them.
        ``spared``: rows that stay as they are, for what else is seen in them.
        """
        form = Form.of(problem)
        rows = form.groups * form.rows
        if problem.direction == "backward-weight" or not form.terms or rows < 2:
            return cls()
        if problem.direction == "backward-input" and problem.stride > 1:
            return cls()
        kinds = _kinds(problem, rng, bias=bias)
        fewest = 1 + (bias and rows >= ROWS_FOR_BOTH)
        chosen = kinds[: max(fewest, rows // ROWS_FOR_ONE)]
        at = [int(row) for row in rng.permutation(rows) if row not in spared]
        weights, of_bias = [], []
        for row, kind in zip(at, chosen, strict=False):  # fewer rows than kinds, where most are spared
            if kind.of_bias:
                of_bias.append((row, kind.value))
            else:
                weights.append(OddWeight(*divmod(row, form.rows), int(rng.integers(form.terms)), kind.value))
        return cls(tuple(weights), tuple(of_bias))

    def put_in(self, left: Array, bias: Array | None) -> None:
        """Put them into the weights, in place."""
        for each in self.weights:
            left[each.group, each.row, each.term] = each.value
        for channel, value in self.bias:
            assert bias is not None, "drawn for a layer with one"
            bias[channel] = value

    def change(self, right: Array, sums: Array) -> None:
        """Make of ``sums``, which are of other weights in these places, what they are with these, in place.

        Everything else in such a sum is finite, and so does not count.
        """
        for each in self.weights:
            terms = right[:, each.group, each.term].astype(sums.dtype)
            with np.errstate(invalid="ignore"):  # infinity times zero is the point of it
                sums[:, each.group, each.row] = terms * each.value


class _Kind(NamedTuple):
    """A number that a row may have in its weights, or in its bias."""

    of_bias: bool
    value: float


def _kinds(problem: Problem, rng: np.random.Generator, *, bias: bool) -> list[_Kind]:
    """NaN and an infinity of any sign, of weights and, if there is one, of the bias, which take turns; else shuffled.

    Before an activation that of the bias is above zero: below it, the whole row would be what an activation makes of
    minus infinity, which is zero whatever the sums are.
    """
    infinite_bias = np.inf if problem.activation != "none" else float(rng.choice([-np.inf, np.inf]))
    of_weights = [_Kind(False, np.nan), _Kind(False, float(rng.choice([-np.inf, np.inf])))]
    of_bias = [_Kind(True, np.nan), _Kind(True, infinite_bias)]
    both = [
        [kinds[number] for number in rng.permutation(2)] for kinds in ((of_weights, of_bias) if bias else (of_weights,))
    ]
    order = rng.permutation(len(both))
    return [both[side][number] for number in range(2) for side in order]


def rows_with_zero(left: Array) -> frozenset[int]:
    """The rows, counted over all groups, in which there is one: nothing is seen of it where a row is odd as well."""
    groups, rows, terms = left.shape
    return frozenset(np.flatnonzero((left.reshape(groups * rows, terms) == 0).any(axis=1)).tolist())


def put_in_zero(left: Array, rng: np.random.Generator) -> None:
    """A zero in the last group's last term, which an infinite input meets, in one row of two at least; in place."""
    _, rows, terms = left.shape
    if rows > 1 and terms:
        left[-1, rng.integers(rows), -1] = 0
