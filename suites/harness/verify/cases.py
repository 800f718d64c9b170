"""The cases of one problem: inputs with which its layers are called, and the answers that they must return.

Made once per problem by the harness. A worker is given the :class:`Questions` among them; the answers stay here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.memory.input_windows import SPREAD, pool_size
from pointwise_bench.suites.harness.verify.drawing import REACH, Case, power_of_two_below
from pointwise_bench.suites.harness.verify.drawn.integers import Integers
from pointwise_bench.suites.harness.verify.drawn.reals import Reals
from pointwise_bench.suites.harness.verify.questions import Questions, Weights

Array = npt.NDArray[Any]


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
        real, first, second, faint, loud = Reals(problem, rng).cases()
        integer, integers, probe, poisoned = Integers(problem, rng).cases()
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
            pools=tuple(
                _pool(each, rng, scale) for each, scale in zip(first.inputs, _scales_of_pools(problem), strict=True)
            ),
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


def _scales_of_pools(problem: Problem) -> list[float]:
    """Of each input, a power of two that keeps sums of the timed calls where the activation bends.

    1 where that does not matter. A residual is about as large as a typical sum then.
    """
    typical = max(1, problem.reduction_length) ** 0.5
    scale = power_of_two_below(1 / typical) if problem.activation in REACH else 1.0
    of_residual = power_of_two_below(scale * typical) if problem.add else scale
    return [scale, of_residual][: len(problem.input_shapes)]


def _pool(array: Array, rng: np.random.Generator, scale: float) -> Array:
    """Of the inputs of timed calls that are of the kind of ``array``, which have the variance ``scale**2``.

    That is when they have been given other digits: see :func:`input_windows.content`.
    """
    drawn = rng.random(pool_size(array.size, array.itemsize), np.float64 if array.itemsize == 8 else np.float32)
    drawn -= 0.5
    drawn *= SPREAD * scale
    return drawn.astype(array.dtype, copy=False)
