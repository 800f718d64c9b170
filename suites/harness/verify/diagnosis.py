"""Naming the mistake behind a wrong answer: the plausible error that would give exactly this result.

Runs only on an answer that is already known to be wrong: so its cost does not matter, and finding no name does no harm.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.backends.problem import ACTIVATIONS, Layout
from pointwise_bench.suites.harness.verify.drawing import Case
from pointwise_bench.suites.harness.verify.questions import Weights
from pointwise_bench.suites.harness.verify.reference import answer

Array = npt.NDArray[Any]
Agree = Callable[[Array, Array], bool]
Mistakes = Iterator[tuple[str, Array]]

# Explicit significand bits of arithmetic that is often taken for float32.
COARSER_ARITHMETIC: Final = {"bfloat16": 7, "TensorFloat-32 or float16": 10, "float32": 23}
SIGNIFICAND_BITS: Final = {"bfloat16": 7, "float16": 10, "float32": 23, "float64": 52}


@dataclass(frozen=True)
class Mismatch:
    """A case that a layer answered wrong, its weights, and the right answer to the case before."""

    problem: Problem
    weights: Weights
    case: Case
    previous_answer: Array | None

    def answer(
        self,
        problem: Problem | None = None,
        inputs: tuple[Array, ...] | None = None,
        weight: Array | None = None,
        bias: Array | None = None,
    ) -> Array:
        """The right answer to a case that differs from this one by what is given. No bias unless it is given."""
        return answer(
            problem or self.problem,
            inputs or self.case.inputs,
            self.weights.weight if weight is None else weight,
            bias,
        )


def diagnose(mismatch: Mismatch, result: Array, agree: Agree) -> str:
    """A sentence on what is wrong with ``result``, with the first element that differs."""
    with np.errstate(all="ignore"):
        cause = next((name for name, candidate in _mistakes(mismatch) if agree(result, candidate)), None)
    place = _first_difference(mismatch.case.answer, result)
    return f"{cause} ({place})" if cause else f"{_extent(mismatch, result)}{place}"


def rounded_operands(mismatch: Mismatch, result: Array, error: Callable[[Array, Array], float]) -> str | None:
    """The coarser arithmetic that explains ``result``: with its operands rounded, the error all but vanishes."""
    actual = error(result, mismatch.case.answer)
    for name, bits in COARSER_ARITHMETIC.items():
        if bits >= SIGNIFICAND_BITS[mismatch.problem.dtype]:
            continue
        weight = None if mismatch.weights.weight is None else _round_significand(mismatch.weights.weight, bits)
        inputs = tuple(_round_significand(each, bits) for each in mismatch.case.inputs)
        if error(result, mismatch.answer(inputs=inputs, weight=weight, bias=mismatch.weights.bias)) < actual / 8:
            return name
    return None


def lost_value(got: float, expected: float) -> str:
    """What has become of a number that is small, large or none."""
    if math.isnan(expected):
        return "NaN is lost"
    if math.isnan(got):
        return "NaN where a number is expected"
    if math.isinf(expected):
        return "what no number of this type can hold must be infinite, and is not"
    if math.isinf(got):
        return "infinite where a number is expected"
    return "small numbers are taken for zero" if got == 0 else "another number"


# --- mistakes that have a name --------------------------------------------------------------------------------


def _mistakes(mismatch: Mismatch) -> Mistakes:
    """Every plausible mistake with the result that it would give."""
    right, previous = mismatch.case.answer, mismatch.previous_answer
    yield "the result is all zeros", np.zeros_like(right)
    if previous is not None:
        yield "this is the answer to the previous input", previous
        yield "this is the sum with the answer to the previous input: it adds to a buffer", right + previous
    if mismatch.problem.add:
        yield from _mistakes_with_the_residual(mismatch)
    if mismatch.problem.direction == "forward":
        yield from _mistakes_of_the_last_step(mismatch)
    if mismatch.problem.direction == "backward-weight":
        yield from _mistakes_with_sums_over_pixels(mismatch)
    else:
        yield from _mistakes_with_weights(mismatch)
        yield from _mistakes_with_results_in_pixels(mismatch)
    yield from _mistakes_with_pixels(mismatch)
    yield from _mistakes_with_groups(mismatch)


def _mistakes_of_the_last_step(mismatch: Mismatch) -> Mistakes:
    p, bias = mismatch.problem, mismatch.weights.bias
    if bias is not None:
        without = mismatch.answer()
        yield "the bias is missing", without
        wide = bias.astype(np.float64)
        yield (
            "the activation is applied before the bias",
            without + (wide if p.layout == "nhwc" else wide[:, None, None]),
        )
        yield "the bias is added twice", mismatch.answer(bias=2 * wide)
    said = {"relu": "ReLU"}
    for other in ACTIVATIONS:
        swapped = mismatch.answer(replace(p, activation=other), bias=bias)
        if other == "none" != p.activation:
            yield f"the {said.get(p.activation, p.activation)} is missing", swapped
        elif p.activation == "none" != other:
            yield f"a {said.get(other, other)} is applied that nobody asked for", swapped
        elif other != p.activation:
            yield f"the activation is {other} and not {p.activation}", swapped


def _mistakes_with_the_residual(mismatch: Mismatch) -> Mistakes:
    p, bias, (x, residual) = mismatch.problem, mismatch.weights.bias, mismatch.case.inputs
    without = mismatch.answer(replace(p, add=False), (x,), bias=bias)
    yield "the residual is missing", without
    if p.activation != "none":
        yield "the residual is added after the activation", without + residual.astype(np.float64)
    other = replace(p, layout=_other_layout(p))
    misread = [
        ("added twice", residual.astype(np.float64) * 2),
        (f"read as {other.layout}", _in_layout(p, residual.reshape(other.output_shape))),
    ]
    if p.batch > 1:
        misread.append(("the first image's in every image", np.broadcast_to(residual[:1], residual.shape)))
        misread.append(("another image's", np.roll(residual, 1, axis=0)))
    for how, read in misread:
        yield f"the residual is {how}", mismatch.answer(inputs=(x, read), bias=bias)


def _mistakes_with_weights(mismatch: Mismatch) -> Mistakes:
    p, weight, bias = mismatch.problem, mismatch.weights.weight, mismatch.weights.bias
    assert weight is not None, "only backward-weight has no weights"
    transposed = weight.reshape(p.groups, weight.shape[1], -1).transpose(0, 2, 1).reshape(weight.shape)
    forward = p.direction == "forward"
    yield (
        "the weights are transposed" if forward else "the weights are not transposed",
        mismatch.answer(weight=transposed, bias=bias),
    )
    for position, name in ((-1, "last"), (0, "first")):
        cut = weight.copy().reshape(p.groups, -1, weight.shape[1])
        cut[(..., position) if forward else (slice(None), position)] = 0
        yield (
            f"the {name} {'input' if forward else 'output'} channel is dropped",
            mismatch.answer(weight=cut.reshape(weight.shape), bias=bias),
        )
    if forward:
        reverse = None if bias is None else bias[::-1]
        yield "the output channels are in reverse order", mismatch.answer(weight=weight[::-1], bias=reverse)


def _mistakes_with_results_in_pixels(mismatch: Mismatch) -> Mistakes:
    p, right = mismatch.problem, mismatch.case.answer
    axes = (0, 2, 3, 1) if p.layout == "nchw" else (0, 3, 1, 2)
    yield f"the output is laid out as {_other_layout(p)}", right.transpose(axes).reshape(right.shape)
    if p.batch > 1:
        yield "every image gets the answer to the first", np.broadcast_to(right[:1], right.shape)
    if p.direction == "backward-input" and p.stride > 1:
        yield from _mistakes_with_skipped_pixels(p, right)


def _mistakes_with_skipped_pixels(p: Problem, dx: Array) -> Mistakes:
    """Gradients of the pixels that the stride reads, written elsewhere or not only there."""
    rows, columns = _spatial(p)
    read = np.take(np.take(dx, range(0, p.height, p.stride), rows), range(0, p.width, p.stride), columns)
    side_by_side = np.zeros_like(dx)
    corner = [slice(None)] * 4
    corner[rows], corner[columns] = slice(p.out_height), slice(p.out_width)
    side_by_side[tuple(corner)] = read
    yield "the stride is ignored: the gradients are written side by side", side_by_side
    repeated = np.take(np.take(read, np.arange(p.height) // p.stride, rows), np.arange(p.width) // p.stride, columns)
    yield "the pixels that the stride skips get their neighbour's gradient instead of zero", repeated
    for first in range(1, p.stride):
        yield f"the stride starts at pixel {first} instead of 0", np.roll(dx, (first, first), (rows, columns))


def _mistakes_with_sums_over_pixels(mismatch: Mismatch) -> Mistakes:
    p, right = mismatch.problem, mismatch.case.answer
    x, dy = mismatch.case.inputs
    if p.bias:
        without = right.copy()
        without[:, -1] = 0
        yield "the bias' gradient is missing", without
        yield (
            "the bias' gradient is added to the weights' columns",
            np.column_stack([right[:, :-1] + right[:, -1:], right[:, -1]]),
        )
    if p.pixels:
        yield "the gradients are averaged over the pixels instead of summed", right / p.pixels
    if p.batch > 1:
        one = replace(p, batch=1)
        yield "the batch is averaged instead of summed", right / p.batch
        yield "the batch is not summed: the gradient is the first image's", mismatch.answer(one, (x[:1], dy[:1]))
        yield "the batch is not summed: the gradient is the last image's", mismatch.answer(one, (x[-1:], dy[-1:]))
    weights = right[:, : p.in_channels // p.groups]
    transposed = weights.reshape(p.groups, weights.shape[1], -1).swapaxes(1, 2).reshape(weights.shape)
    yield "the result is transposed", np.concatenate([transposed, right[:, weights.shape[1] :]], axis=1)


def _mistakes_with_pixels(mismatch: Mismatch) -> Mistakes:
    p, bias, (x, *dy) = mismatch.problem, mismatch.weights.bias, mismatch.case.inputs
    rows, columns = _spatial(p)
    if p.direction != "backward-input":
        for first in range(1, p.stride):
            moved = np.roll(x, (-first, -first), (rows, columns))
            yield f"the stride starts at pixel {first} instead of 0", mismatch.answer(inputs=(moved, *dy), bias=bias)
        if p.stride > 1:
            corner = _corner_over_every(p, x)
            yield "the stride is ignored", mismatch.answer(inputs=(corner, *dy), bias=bias)
    other = replace(p, layout=_other_layout(p))
    misread = [mismatch.case.inputs[0].reshape(_misread_shape(other))]
    if dy:
        misread.append(dy[0].reshape(other.output_shape))
    yield f"the input is read as {other.layout}", _in_layout(p, mismatch.answer(other, tuple(misread), bias=bias))
    if p.height == p.width:
        yield "rows and columns are swapped", mismatch.answer(inputs=(x.swapaxes(rows, columns), *dy), bias=bias)


def _corner_over_every(p: Problem, x: Array) -> Array:
    """``x`` with its first rows and columns where the stride reads."""
    rows, columns = _spatial(p)
    moved = np.take(x, np.minimum(np.arange(p.height) // p.stride, p.height - 1), rows)
    return np.take(moved, np.minimum(np.arange(p.width) // p.stride, p.width - 1), columns)


def _misread_shape(other: Problem) -> tuple[int, ...]:
    return other.output_shape if other.direction == "backward-input" else other.input_shape


def _in_layout(p: Problem, result: Array) -> Array:
    """The other layout's result in the problem's layout; gradients of weights have none."""
    if p.direction == "backward-weight":
        return result
    return result.transpose((0, 3, 1, 2) if p.layout == "nchw" else (0, 2, 3, 1))


def _mistakes_with_groups(mismatch: Mismatch) -> Mistakes:
    p, (x, *dy) = mismatch.problem, mismatch.case.inputs
    if p.groups == 1:
        return
    axis = 1 if p.layout == "nchw" else 3
    channels = x.shape[axis]
    first_only = np.arange(channels) % (channels // p.groups)
    interleaved = np.arange(channels).reshape(-1, p.groups).T.ravel()
    reversed_groups = np.arange(channels).reshape(p.groups, -1)[::-1].ravel()
    for name, order in (
        ("every group reads the first group's channels", first_only),
        ("groups take interleaved channels instead of blocks", interleaved),
        ("groups are in reverse order", reversed_groups),
    ):
        yield name, mismatch.answer(inputs=(x.take(order, axis), *dy), bias=mismatch.weights.bias)


def _spatial(p: Problem) -> tuple[int, int]:
    """The axes of rows and columns."""
    return (2, 3) if p.layout == "nchw" else (1, 2)


def _other_layout(p: Problem) -> Layout:
    return "nhwc" if p.layout == "nchw" else "nchw"


# --- where it has none ----------------------------------------------------------------------------------------


def _extent(mismatch: Mismatch, result: Array) -> str:
    """Where the wrong elements lie, when they share a place on some axis."""
    p, right = mismatch.problem, mismatch.case.answer
    wrong = _differs(result, right)
    if p.direction == "backward-input" and p.stride > 1 and not _at_read_pixels(p, wrong).any():
        return "the pixels that the stride skips must get zero; "
    if np.isnan(result[wrong]).any() and not np.isnan(right[wrong]).any():
        return "NaN where numbers are expected, as from memory outside the input or never written; "
    if p.direction == "backward-weight":
        names: tuple[str, ...] = ("output channel", "input channel")
        if p.bias and not wrong[:, :-1].any():
            return "only in the bias' gradient; "
    else:
        names = ("image", "channel", "row", "column") if p.layout == "nchw" else ("image", "row", "column", "channel")
    for axis, name in enumerate(names):
        size = wrong.shape[axis]
        places = np.flatnonzero(wrong.any(axis=tuple(other for other in range(wrong.ndim) if other != axis)))
        if 0 < places.size <= size // 2:
            listed = ", ".join(str(place) for place in places[:4]) + (", ..." if places.size > 4 else "")
            return f"only in {name} {listed} of {size}; "
    return ""


def _at_read_pixels(p: Problem, dx: Array) -> Array:
    planes = dx if p.layout == "nchw" else dx.transpose(0, 3, 1, 2)
    return planes[:, :, :: p.stride, :: p.stride]


def _first_difference(right: Array, result: Array) -> str:
    wrong = _differs(result, right)
    index = tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
    return (
        f"{int(wrong.sum())} of {wrong.size} elements differ, the first at {list(index)}: "
        f"got {result[index]:.9g}, expected {right[index]:.9g}"
    )


def _differs(result: Array, answer: Array) -> npt.NDArray[np.bool_]:
    """Elements that differ by more than rounding; all that differ at all when none does."""
    unequal: npt.NDArray[np.bool_] = (result != answer) & ~(np.isnan(result) & np.isnan(answer))
    with np.errstate(invalid="ignore"):
        large = unequal & ~(
            np.abs(result - answer) <= 1e-4 * np.abs(answer).max(initial=0.0, where=np.isfinite(answer))
        )
    return large if large.any() else unequal


def _round_significand(values: Array, bits: int) -> Array:
    """``values`` with ``bits`` explicit significand bits, to nearest."""
    fraction, exponent = np.frexp(values.astype(np.float64))
    scale = 2.0 ** (bits + 1)
    return np.ldexp(np.rint(fraction * scale) / scale, exponent)
