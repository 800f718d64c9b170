"""The questions that a backend is asked about one problem, with the answers.

Made once per problem by the harness, handed to every worker as one block of shared memory.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from backends import Problem
from suites.harness import bounds
from suites.harness.blocks import read_block, write_block
from suites.harness.reference import magnitudes, pointwise

Array = npt.NDArray[Any]

LARGEST_WEIGHT = 4
LARGEST_INPUT = 8


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The learned part of a layer."""

    weight: Array
    bias: Array | None

    def answer(self, problem: Problem, x: Array) -> Array:
        """The reference's result for ``x``."""
        return pointwise(problem, x, self.weight, self.bias)


@dataclass(frozen=True, kw_only=True)
class Examination:
    """Inputs and expected results of one problem. Inputs have the problem's dtype, results are float64.

    Two layers are examined: one with real weights, which is also the one that is timed, and one with integer
    weights, whose results must be exact.
    """

    real_weight: Array
    real_bias: Array | None
    first_input: Array  # zero-mean reals; the input of the timing
    first_answer: Array
    second_input: Array  # the same magnitudes with other signs, so that one bound serves both
    second_answer: Array
    magnitude: Array  # |W| |X| + |b| of both

    integer_weight: Array
    integer_bias: Array | None
    integer_input: Array
    integer_answer: Array
    probe_input: Array  # 1 + 2**-bits in one channel of each pixel, zero elsewhere
    probe_answer: Array
    poisoned_input: Array  # a NaN and an infinity among the integers, and NaN in every pixel that is skipped
    poisoned_answer: Array

    @property
    def real(self) -> Weights:
        """The weights of the timed layer."""
        return Weights(weight=self.real_weight, bias=self.real_bias)

    @property
    def integer(self) -> Weights:
        """The weights of the layer whose results are exact."""
        return Weights(weight=self.integer_weight, bias=self.integer_bias)

    @classmethod
    def of(cls, problem: Problem, seed: int) -> Examination:
        """The examination of ``problem``: the same for the same seed, unforeseeable for a backend."""
        rng = np.random.default_rng([seed, *problem.id.encode()])
        real, integer = _real_weights(problem, rng), _integer_weights(problem, rng)
        first = rng.standard_normal(problem.input_shape).astype(problem.dtype)
        second = np.copysign(first, rng.standard_normal(problem.input_shape)).astype(problem.dtype)
        integers = rng.integers(-LARGEST_INPUT, LARGEST_INPUT, problem.input_shape, endpoint=True).astype(problem.dtype)
        probe = _probe(problem)
        poisoned = _poisoned(problem, integers)
        with np.errstate(invalid="ignore"):  # infinity minus infinity is the point of it
            poisoned_answer = integer.answer(problem, poisoned)
        return cls(
            real_weight=real.weight,
            real_bias=real.bias,
            first_input=first,
            first_answer=real.answer(problem, first),
            second_input=second,
            second_answer=real.answer(problem, second),
            magnitude=_magnitude(problem, first, real),
            integer_weight=integer.weight,
            integer_bias=integer.bias,
            integer_input=integers,
            integer_answer=integer.answer(problem, integers),
            probe_input=probe,
            probe_answer=integer.answer(problem, probe),
            poisoned_input=poisoned,
            poisoned_answer=poisoned_answer,
        )

    # --- crossing into a worker -----------------------------------------------------------------------------

    def to_block(self) -> int:
        """All arrays as a block of shared memory: its file descriptor, which the caller closes."""
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        return write_block({name: array for name, array in arrays.items() if array is not None})

    @classmethod
    def from_block(cls, descriptor: int) -> Examination:
        """The examination in such a block, as read-only views. The descriptor is closed."""
        absent: dict[str, Array | None] = {"real_bias": None, "integer_bias": None}
        return cls(**(absent | read_block(descriptor)))  # type: ignore[arg-type]  # the biases alone may be None


def _real_weights(problem: Problem, rng: np.random.Generator) -> Weights:
    """Zero-mean reals. The bias is as large as a typical sum, so that forgetting it is no small error."""
    weight = rng.standard_normal(problem.weight_shape)
    bias = rng.standard_normal(problem.out_channels) * problem.reduction_length**0.5 if problem.bias else None
    return Weights(weight=weight.astype(problem.dtype), bias=None if bias is None else bias.astype(problem.dtype))


def _integer_weights(problem: Problem, rng: np.random.Generator) -> Weights:
    """Small integers without zero: every output depends on every channel, and every sum is exact in the dtype."""
    largest_sum = problem.reduction_length * LARGEST_WEIGHT * LARGEST_INPUT + LARGEST_INPUT
    assert largest_sum <= bounds.EXACT_INTEGERS[problem.dtype], f"{problem}: sums are no longer exact"
    signs = rng.choice([-1, 1], problem.weight_shape)
    weight = rng.integers(1, LARGEST_WEIGHT, problem.weight_shape, endpoint=True) * signs
    bias = None
    if problem.bias:
        bias = rng.integers(1, LARGEST_INPUT, problem.out_channels, endpoint=True)
        bias = (bias * rng.choice([-1, 1], problem.out_channels)).astype(problem.dtype)
    return Weights(weight=weight.astype(problem.dtype), bias=bias)


def _magnitude(problem: Problem, x: Array, weights: Weights) -> Array:
    return magnitudes(problem, x, weights.weight, weights.bias)


def _planes(problem: Problem, x: Array) -> Array:
    """``x`` as a view in (batch, channel, row, column) order."""
    return x if problem.layout == "nchw" else x.transpose(0, 3, 1, 2)


def _probe(problem: Problem) -> Array:
    """One channel of each pixel carries ``1 + 2**-bits``; the channel walks on from pixel to pixel.

    With integer weights the result is exact, and it is lost by any arithmetic that rounds its operands: what an
    identity matrix would show, without preparing a third layer for it.
    """
    x = np.zeros(problem.input_shape, problem.dtype)
    n, i, j = np.indices((problem.batch, problem.height, problem.width))
    channel = ((n * problem.height + i) * problem.width + j) % problem.in_channels
    _planes(problem, x)[n, channel, i, j] = 1.0 + 2.0 ** -bounds.PROBE_BITS[problem.dtype]
    return x


def _poisoned(problem: Problem, x: Array) -> Array:
    """A NaN in the first pixel's first channel, an infinity in the last read pixel's last, NaN where nobody reads."""
    poisoned = x.copy()
    planes = _planes(problem, poisoned)
    skipped = np.ones(planes.shape, bool)
    skipped[:, :, :: problem.stride, :: problem.stride] = False
    planes[skipped] = np.nan
    if problem.batch:
        row, column = (problem.out_height - 1) * problem.stride, (problem.out_width - 1) * problem.stride
        planes[-1, -1, row, column] = np.inf
        planes[0, 0, 0, 0] = np.nan
    return poisoned
