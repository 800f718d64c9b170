"""How large an error correct arithmetic can make, per element type.

Source: N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, section 3.1: a sum of K products
evaluated in any order satisfies ``|y - ref| <= gamma_K |W| |X|`` with ``gamma_K = K u / (1 - K u)``.

The rule for float16 and bfloat16: operands have the type, sums are carried in float32 at least, and what is stored is
rounded to the type once. A backend that adds up in the half precision itself is refused wherever that shows.
"""

from __future__ import annotations

from typing import Any, Final

import ml_dtypes
import numpy as np
import numpy.typing as npt

from pointwise_bench import Problem
from pointwise_bench.suites.harness.design.policy import POLICY

# Bound before any plugin is loaded, which could change the policy's own fields later.
CAP_IN_ROUNDOFFS: Final = POLICY.gate.cap_in_roundoffs

Array = npt.NDArray[Any]

UNIT_ROUNDOFF: Final = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}

ACCUMULATOR: Final = {"float16": "float32", "bfloat16": "float32", "float32": "float32", "float64": "float64"}
"""The coarsest type in which sums may be carried."""

EXACT_INTEGERS: Final = {"float16": 2**11, "bfloat16": 2**8, "float32": 2**24, "float64": 2**53}
"""Integers up to here are represented exactly, and so are sums of integers that stay below."""

PROBE_BITS: Final = {"float16": 8, "bfloat16": 5, "float32": 12, "float64": 30}
"""The precision probe is ``1 + 2**-bits``: exact in the type, also times a small integer and plus a small bias, and
lost by the next coarser arithmetic in use (significands: float32 24 bits, TensorFloat-32 and float16 11, bfloat16 8,
eight-bit floats 4)."""


REDUCED: Final = {"tf32": 2.0**-11}
"""Unit roundoff to which a reduced arithmetic rounds the operands of float32 problems; sums stay in float32."""

STEEPEST: Final = {"relu6": 1.0, "silu": 1.0999, "hardswish": 1.5, "gelu": 1.1290}
"""Lipschitz constants: by how much an activation can enlarge the error of the sum that it is given, at most.

The largest slope: of silu at 2.40, of gelu at the root of 2, of hardswish just below 3."""

OWN_ROUNDOFFS: Final = {"silu": 8.0, "hardswish": 4.0, "gelu": 8.0}
"""Rounding of the smooth activations themselves, in unit roundoffs of the sum that they are given.

Each is the sum times a factor between 0 and 1. Hard-swish as ``v * (v / 6 + 1 / 2)`` rounds 1/6, a quotient and a sum
of at most 1, and the product. Libraries' exp and erf are good to two units of the last place, which are four roundoffs,
and an addition, a division and a product follow. ReLU and ReLU6 round nothing."""


def gamma(terms: int, unit_roundoff: float) -> float:
    """``K u / (1 - K u)``: the worst relative error of a K-term inner product."""
    return terms * unit_roundoff / (1.0 - terms * unit_roundoff)


def allowed_error(problem: Problem) -> float:
    """Bound on ``max |sum - ref| / (|W| |X| + |b| + |r|)`` for the sums of a correct implementation.

    ``min(gamma_K, 32 u)`` with ``u`` of the accumulator, the bias and the residual counting as one more term
    each, plus the float64 reference's own error, which matters only where the problem is float64 itself. ``KeyError``
    for a dtype without a bound.
    """
    terms = problem.reduction_length + (problem.bias and problem.direction == "forward") + problem.add
    return sum(
        min(gamma(terms, unit_roundoff), CAP_IN_ROUNDOFFS * unit_roundoff)
        for unit_roundoff in (UNIT_ROUNDOFF[ACCUMULATOR[problem.dtype]], UNIT_ROUNDOFF["float64"])
    )


def beside_the_largest(problem: Problem) -> float:
    """Bound on the error of a sum over its first term, where that is far larger than all others: ``gamma_K``.

    Whoever begins by it rounds every other term to its digits. These errors are as likely up as down, and reach
    :data:`CAP_IN_ROUNDOFFS` of it at some hundred terms: correct code was refused on 700 in most runs.
    """
    return gamma(problem.reduction_length + 2, UNIT_ROUNDOFF[ACCUMULATOR[problem.dtype]])


def allowed(
    problem: Problem, magnitude: Array, answer: Array, sums: Array | None = None, before: Array | None = None
) -> Array:
    """How far each element of a correct result may lie from ``answer``; ``magnitude`` is its ``|W| |X| + |b| + |r|``.

    For float16 and bfloat16 the rounding of the stored result comes on top: ``u_out |y|``, where ``y`` may itself be
    off by the error of the sum, and the smallest subnormal. An element without terms must be exact. ``sums`` are what
    the activation is given; none and ReLU do not ask for them. ``before`` are the sums without the residual, of a
    problem that adds one: who does not add within the product has stored them in the half precisions, which rounds
    once more.
    """
    of_sums: Array = magnitude * allowed_error(problem)
    if problem.add and ACCUMULATOR[problem.dtype] != problem.dtype:
        assert before is not None, "what is stored before the residual is added is rounded"
        of_sums = _stored(problem, of_sums, before).astype(of_sums.dtype)
    if problem.activation in STEEPEST:
        assert sums is not None, f"{problem.activation} is judged by what it is given"
        of_sums = _behind(problem, of_sums, sums)
    if ACCUMULATOR[problem.dtype] == problem.dtype:
        return of_sums
    return np.where(magnitude > 0, _stored(problem, of_sums, answer), 0.0).astype(magnitude.dtype)


def allowed_of_activation(problem: Problem, answer: Array, sums: Array) -> Array:
    """The same where the sums themselves must be exact. What a smooth activation makes of minus infinity is free."""
    own = _own_rounding(problem, sums)
    if ACCUMULATOR[problem.dtype] != problem.dtype:
        own = np.where(sums == 0, 0.0, _stored(problem, own, answer))
    return np.where(sums == -np.inf, np.inf, own)


def _behind(problem: Problem, of_sums: Array, sums: Array) -> Array:
    """What an error ``of_sums`` becomes behind one of the activations above.

    Each enlarges it by its steepest slope, and ReLU6 to no more than what lies between its ends. In the half precisions
    one that is not fused is given the stored sum: such a sum is rounded as well. ReLU6 gives the same before and behind
    that.
    """
    if problem.activation == "relu6":
        return np.minimum(STEEPEST["relu6"] * of_sums, 6).astype(of_sums.dtype)
    if ACCUMULATOR[problem.dtype] != problem.dtype:
        of_sums = _stored(problem, of_sums, sums)
    behind: Array = STEEPEST[problem.activation] * of_sums + _own_rounding(problem, sums)
    return behind.astype(of_sums.dtype)


def _stored(problem: Problem, error: Array, exact: Array) -> Array:
    """What an error becomes where what is ``exact`` but for it is stored in a half precision."""
    unit_roundoff = UNIT_ROUNDOFF[problem.dtype]
    smallest = float(ml_dtypes.finfo(problem.dtype).smallest_subnormal)
    stored: Array = (1 + unit_roundoff) * error + unit_roundoff * np.abs(exact) + smallest
    return stored


def _own_rounding(problem: Problem, sums: Array) -> Array:
    """Of the activation: in the type of the sums, and in float64 in the reference."""
    unit_roundoff = UNIT_ROUNDOFF[ACCUMULATOR[problem.dtype]] + UNIT_ROUNDOFF["float64"]
    own: Array = OWN_ROUNDOFFS[problem.activation] * unit_roundoff * np.abs(sums)
    return own


def widening(problem: Problem, arithmetic: str) -> float:
    """How many times more error than the problem's own arithmetic a declared reduced one may make.

    Each product of two operands that are rounded to unit roundoff ``v`` is off by up to ``2 v + v**2`` of itself, which
    adds to the error of the sum; without products, as over no image, nothing may be off. ``KeyError`` for an arithmetic
    without a bound.
    """
    if arithmetic == "own" or not allowed_error(problem):
        return 1.0
    operand = REDUCED[arithmetic]
    return 1 + (2 * operand + operand**2) / allowed_error(problem)


def rule(dtype: str, arithmetic: str = "own") -> str:
    """The arithmetic that is asked for, in words."""
    if arithmetic != "own":
        return f"{arithmetic} with sums in float32"
    return dtype if ACCUMULATOR[dtype] == dtype else f"{dtype} with sums in {ACCUMULATOR[dtype]}"


def cannot_judge(problem: Problem) -> str | None:
    """Why the gate cannot judge this problem, or None when it can."""
    if problem.dtype not in UNIT_ROUNDOFF:
        return f"no bound is known for {problem.dtype}"
    if problem.direction != "forward" and problem.activation != "none":
        return (
            f"{problem.direction} through {problem.activation} needs the forward result, which the layer is not "
            f"given: gradients are those of the convolution alone"
        )
    return None


def has_bound(problem: Problem) -> bool:
    """Whether the gate can judge this problem at all."""
    return cannot_judge(problem) is None
