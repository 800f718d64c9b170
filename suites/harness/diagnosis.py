"""Naming the mistake behind a wrong answer: the plausible error that would give exactly this result.

Only ever run on an answer that is already known to be wrong, so its cost does not matter and its silence is safe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from backends import Problem
from backends.problem import Activation
from suites.harness.examination import Weights
from suites.harness.reference import pointwise

Array = npt.NDArray[Any]
Agree = Callable[[Array, Array], bool]

# Explicit significand bits of arithmetic that people mistake for float32.
COARSER_ARITHMETIC: Final = {"bfloat16": 7, "TensorFloat-32 or float16": 10, "float32": 23}


@dataclass(frozen=True)
class Question:
    """What was asked, with the right answer and the one to the question before."""

    problem: Problem
    weights: Weights
    x: Array
    answer: Array
    previous_answer: Array | None


def diagnose(question: Question, result: Array, agree: Agree) -> str:
    """A sentence on what is wrong with ``result``, with the first element that differs."""
    with np.errstate(all="ignore"):
        cause = next((name for name, candidate in _mistakes(question) if agree(result, candidate)), None)
    place = _first_difference(question, result)
    return f"{cause} ({place})" if cause else f"{_extent(question, result)}{place}"


def rounded_operands(question: Question, result: Array, error: Callable[[Array, Array], float]) -> str | None:
    """The coarser arithmetic that explains ``result``: with its operands rounded, the error all but vanishes."""
    actual = error(result, question.answer)
    for name, bits in COARSER_ARITHMETIC.items():
        rounded = Weights(
            weight=_round_significand(question.weights.weight, bits),
            bias=question.weights.bias,
        )
        if error(result, rounded.answer(question.problem, _round_significand(question.x, bits))) < actual / 8:
            return name
    return None


# --- mistakes that have a name --------------------------------------------------------------------------------


def _mistakes(question: Question) -> Iterator[tuple[str, Array]]:
    """Every plausible mistake with the result that it would give."""
    yield "the result is all zeros", np.zeros_like(question.answer)
    if question.previous_answer is not None:
        yield "this is the answer to the previous input", question.previous_answer
    yield from _mistakes_of_the_last_step(question)
    yield from _mistakes_with_weights(question)
    yield from _mistakes_with_pixels(question)
    yield from _mistakes_with_groups(question)


def _mistakes_of_the_last_step(q: Question) -> Iterator[tuple[str, Array]]:
    p, bias = q.problem, q.weights.bias
    without_bias = pointwise(p, q.x, q.weights.weight, None)
    if bias is not None:
        yield "the bias is missing", without_bias
        before_activation = pointwise(replace(p, activation="none"), q.x, q.weights.weight, None)
        clamped = np.maximum(before_activation, 0.0)
        yield (
            "the activation is applied before the bias",
            clamped + (bias if p.layout == "nhwc" else bias[:, None, None]),
        )
        yield "the bias is added twice", pointwise(p, q.x, q.weights.weight, 2 * bias)
    other: Activation = "none" if p.activation == "relu" else "relu"
    swapped = pointwise(replace(p, activation=other), q.x, q.weights.weight, bias)
    yield "the ReLU is missing" if p.activation == "relu" else "a ReLU is applied that nobody asked for", swapped


def _mistakes_with_weights(q: Question) -> Iterator[tuple[str, Array]]:
    p, weight, bias = q.problem, q.weights.weight, q.weights.bias
    transposed = weight.reshape(p.groups, weight.shape[1], -1).transpose(0, 2, 1).reshape(weight.shape)
    yield "the weights are transposed", pointwise(p, q.x, transposed, bias)
    for position, name in ((-1, "last"), (0, "first")):
        cut = weight.copy()
        cut[:, position] = 0
        yield f"the {name} input channel is dropped", pointwise(p, q.x, cut, bias)
    yield (
        "the output channels are in reverse order",
        pointwise(p, q.x, weight[::-1], None if bias is None else bias[::-1]),
    )


def _mistakes_with_pixels(q: Question) -> Iterator[tuple[str, Array]]:
    p, weight, bias = q.problem, q.weights.weight, q.weights.bias
    rows, columns = (2, 3) if p.layout == "nchw" else (1, 2)
    for first in range(1, p.stride):
        moved = np.roll(q.x, (-first, -first), (rows, columns))
        yield f"the stride starts at pixel {first} instead of 0", pointwise(p, moved, weight, bias)
    other = replace(p, layout="nhwc" if p.layout == "nchw" else "nchw")
    yield f"the input is read as {other.layout}", _in_layout(other, p, q.x.reshape(other.input_shape), weight, bias)
    axes = (0, 2, 3, 1) if p.layout == "nchw" else (0, 3, 1, 2)
    yield f"the output is laid out as {other.layout}", q.answer.transpose(axes).reshape(q.answer.shape)
    if p.height == p.width:
        yield "rows and columns are swapped", pointwise(p, q.x.swapaxes(rows, columns), weight, bias)
    if p.batch > 1:
        yield "every image gets the answer to the first", np.broadcast_to(q.answer[:1], q.answer.shape)


def _in_layout(other: Problem, p: Problem, x: Array, weight: Array, bias: Array | None) -> Array:
    """The other layout's result in the problem's layout."""
    result = pointwise(other, x, weight, bias)
    return result.transpose((0, 3, 1, 2) if p.layout == "nchw" else (0, 2, 3, 1))


def _mistakes_with_groups(q: Question) -> Iterator[tuple[str, Array]]:
    p = q.problem
    if p.groups == 1:
        return
    channels = 1 if p.layout == "nchw" else 3
    first_only = np.arange(p.in_channels) % (p.in_channels // p.groups)
    interleaved = np.arange(p.in_channels).reshape(-1, p.groups).T.ravel()
    reversed_groups = np.arange(p.in_channels).reshape(p.groups, -1)[::-1].ravel()
    for name, order in (
        ("every group reads the first group's channels", first_only),
        ("groups take interleaved channels instead of blocks", interleaved),
        ("groups are in reverse order", reversed_groups),
    ):
        yield name, pointwise(p, q.x.take(order, channels), q.weights.weight, q.weights.bias)


# --- where it has none ----------------------------------------------------------------------------------------


def _extent(question: Question, result: Array) -> str:
    """Where the wrong elements lie, when they share a place on some axis."""
    wrong = _differs(result, question.answer)
    if np.isnan(result[wrong]).any() and not np.isnan(question.answer[wrong]).any():
        return "NaN where numbers are expected, as from memory outside the input or never written; "
    names = ("image", "channel", "row", "column") if question.problem.layout == "nchw" else (
        "image", "row", "column", "channel"
    )  # fmt: skip
    for axis, name in enumerate(names):
        size = wrong.shape[axis]
        places = np.flatnonzero(wrong.any(axis=tuple(other for other in range(4) if other != axis)))
        if 0 < places.size <= size // 2:
            listed = ", ".join(str(place) for place in places[:4]) + (", ..." if places.size > 4 else "")
            return f"only in {name} {listed} of {size}; "
    return ""


def _first_difference(question: Question, result: Array) -> str:
    wrong = _differs(result, question.answer)
    index = tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
    return (
        f"{int(wrong.sum())} of {wrong.size} elements differ, the first at {list(index)}: "
        f"got {result[index]:.9g}, expected {question.answer[index]:.9g}"
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
