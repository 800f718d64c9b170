"""How large an error correct arithmetic can make, per element type.

Source: N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, section 3.1: a sum of K products
evaluated in any order satisfies ``|y - ref| <= gamma_K |W| |X|`` with ``gamma_K = K u / (1 - K u)``.
"""

from __future__ import annotations

from typing import Final

from backends import Problem

UNIT_ROUNDOFF: Final = {"float32": 2.0**-24, "float64": 2.0**-53}

EXACT_INTEGERS: Final = {"float32": 2**24, "float64": 2**53}
"""Integers up to here are represented exactly, and so are sums of integers that stay below."""

PROBE_BITS: Final = {"float32": 12, "float64": 30}
"""The precision probe is ``1 + 2**-bits``: exact in the type, lost by the next coarser arithmetic in use
(bfloat16 and TensorFloat-32 have 8 and 11 bits of significand, float32 has 24)."""

# gamma_K is what any order of summation may reach; good code stays far below it, and from K = 1024 on it is so wide
# that TensorFloat-32 would pass. Correct float32 results were seen under 5.1 u up to K = 4096.
CAP_IN_ROUNDOFFS: Final = 32


def gamma(terms: int, unit_roundoff: float) -> float:
    """``K u / (1 - K u)``: the worst relative error of a K-term inner product."""
    return terms * unit_roundoff / (1.0 - terms * unit_roundoff)


def allowed_error(problem: Problem) -> float:
    """Bound on ``max |y - ref| / (|W| |X| + |b|)`` for a correct implementation.

    ``min(gamma_K, 32 u)``, the bias counting as one more term, plus the float64 reference's own error, which matters
    only where the problem is float64 itself. ``KeyError`` for a dtype without a bound.
    """
    terms = problem.reduction_length + problem.bias
    return sum(
        min(gamma(terms, unit_roundoff), CAP_IN_ROUNDOFFS * unit_roundoff)
        for unit_roundoff in (UNIT_ROUNDOFF[problem.dtype], UNIT_ROUNDOFF["float64"])
    )


def has_bound(problem: Problem) -> bool:
    """Whether the gate can judge this problem at all."""
    return problem.dtype in UNIT_ROUNDOFF and problem.direction == "forward"
