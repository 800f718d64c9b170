"""Activations that take more than two instructions: a function over a tile that was just written, in whole vectors.

A tile lies in the first cache, or still on the way to it, when its activation is applied; as a loop over the whole
result that came behind the kernel, all of it was read and written once more. Inside of each kernel the code of an
exponential would stand two hundred times, and takes longer to compile than all kernels together.

NaN stays in all of them, and in its own place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from pointwise_bench.backends._microkernel.kernels.llvm import Code
from pointwise_bench.backends._microkernel.kernels.registers import Registers
from pointwise_bench.backends._microkernel.kernels.words import GELU, HARDSWISH, RELU6, SILU, SINGLE, SMOOTH

# erf(z) = z P(z^2) / Q(z^2) for |z| <= 4, beyond which it is 1 in float32: the coefficients of Eigen's
# `generic_fast_erf_float`, the lowest power first. One division instead of two and no exponential.
ABOVE: Final = (
    *(-1.60960333262415e-02, -2.95459980854025e-03, -7.34990630326855e-04, -5.69250639462346e-05),
    *(-2.10102402082508e-06, 2.77068142495902e-08, -2.72614225801306e-10),
)
BELOW: Final = (
    *(-1.42647390514189e-02, -7.37332916720468e-03, -1.68282697438203e-03, -2.13374055278905e-04),
    -1.45660718464996e-05,
)
FARTHEST_ERF: Final = 4.0

ABREAST: Final = 4
"""Vectors of a row that are taken at once: each needs the same dozen constants, for which 16 registers are too few."""


@dataclass(frozen=True)
class _Format:
    """Bits of an element's fraction, and the bias of its exponent."""

    fraction: int
    bias: int


_OfOne = Callable[[Code, Any, Any], Any]

_FORMATS: Final = {4: _Format(23, 127), 8: _Format(52, 1023)}


def smooth(code: Code, builder: Any, activation: Any, *place: Any) -> None:
    """A call of the function at the address ``activation``, where that is none of the numbers that kernels know."""
    unknown = builder.icmp_unsigned(">=", activation, code.word(SMOOTH[0]))
    kind = code.ir.FunctionType(code.ir.VoidType(), [code.word] * len(place))
    with builder.if_then(unknown, likely=False):
        builder.call(builder.inttoptr(activation, kind.as_pointer()), place)


class Smooth:
    """Writes into an LLVM module the functions ``(address, stride, rows, lanes)``; stride in bytes.

    ``lanes`` are a multiple of half a vector.
    """

    def __init__(self, code: Code, registers: Registers) -> None:
        self._code = code
        self._lanes = registers.lanes

    def write(self, name: str, activation: int) -> Any:
        """The function that applies one of ``SMOOTH``."""
        function, builder, words = self._code.function(name, 4)
        known: dict[int, _OfOne] = {SILU: partial(silu, lanes=self._lanes), GELU: gelu}
        self._over_rows(builder, words, known[activation])
        builder.ret_void()
        return function

    def _over_rows(self, builder: Any, words: Sequence[Any], of_one: _OfOne) -> None:
        code = self._code
        address, stride, rows, lanes = words
        size = self._lanes * code.item

        def apply(width: int, place: Any) -> None:
            code.store(builder, of_one(code, builder, code.load(builder, code.vector(width), place)), place)

        def row(_: Any, carried: list[Any]) -> list[Any]:
            def several(_: Any, at: list[Any]) -> list[Any]:
                apply(ABREAST * self._lanes, at[0])
                return [builder.add(at[0], code.word(ABREAST * size))]

            wide = code.word(ABREAST * self._lanes)
            (behind,) = code.loop(builder, builder.udiv(lanes, wide), several, carried)
            left = builder.urem(lanes, wide)
            end = builder.append_basic_block("end_of_row")
            chosen = builder.switch(left, end)
            for width in range(self._lanes // 2, ABREAST * self._lanes, self._lanes // 2):
                block = builder.append_basic_block("rest_of_row")
                chosen.add_case(code.word(width), block)
                builder.position_at_end(block)
                apply(width, behind)
                builder.branch(end)
            builder.position_at_end(end)
            return [builder.add(carried[0], stride)]

        code.loop(builder, rows, row, [address])


def capped(code: Code, builder: Any, value: Any) -> Any:
    """Nothing above six."""
    six = _every(code, value, 6.0)
    return builder.select(builder.fcmp_ordered(">", value, six), six, value)


def hardswish(code: Code, builder: Any, value: Any) -> Any:
    """``v`` times ``v / 6 + 1/2`` between 0 and 1."""
    part = code.multiply_add(builder, value, _every(code, value, 1 / 6), _every(code, value, 0.5))
    return builder.fmul(value, _between(code, builder, part, 0.0, 1.0))


SHORT: Final[dict[int, _OfOne]] = {RELU6: capped, HARDSWISH: hardswish}
"""Those that kernels compute themselves."""


def silu(code: Code, builder: Any, value: Any, lanes: int) -> Any:
    """``v / (1 + e**-v)``."""
    return builder.fmul(value, _reciprocal(code, builder, _one_and_power(code, builder, value), lanes))


def gelu(code: Code, builder: Any, value: Any) -> Any:
    """``v * (1/2 + erf(v / sqrt(2)) / 2)`` of float32; what v is divided by is in the coefficients."""
    root = math.sqrt(2)
    near = _between(code, builder, value, -FARTHEST_ERF * root, FARTHEST_ERF * root)
    square = builder.fmul(near, near)
    above = _polynomial(code, builder, square, [each / (2 * root * 2**power) for power, each in enumerate(ABOVE)])
    below = _polynomial(code, builder, square, [each / 2**power for power, each in enumerate(BELOW)])
    half_erf = builder.fdiv(builder.fmul(near, above), below)
    return builder.fmul(value, builder.fadd(half_erf, _every(code, value, 0.5)))


def _reciprocal(code: Code, builder: Any, value: Any, lanes: int) -> Any:
    """``1 / v`` of numbers whose products do not overflow: two vectors of ``lanes`` by one division.

    A vector's division takes as long as eleven multiply-adds (AVX2). The estimate that processors have would want a
    code of its own for each kind of them.
    """
    one, half = _every(code, value, 1.0), value.type.count // 2
    if value.type.count % (2 * lanes):
        return builder.fdiv(one, value)
    whole = range(value.type.count)
    first, second = (code.chosen(builder, value, value, places) for places in (whole[:half], whole[half:]))
    both = _reciprocal(code, builder, builder.fmul(first, second), value.type.count)
    return code.chosen(builder, builder.fmul(both, second), builder.fmul(both, first), whole)


def _one_and_power(code: Code, builder: Any, value: Any) -> Any:
    """``1 + e**-v``, which ends at the root of the largest number: what that leaves of SiLU is nothing beside v.

    e**-v is 2**t, t being -v by the logarithm of 2: a polynomial of what is left of t beside the nearest whole number,
    times a number of which that is the exponent.
    """
    ir, form = code.ir, _FORMATS[code.item]
    v = _between(code, builder, value, -form.bias // 2 * math.log(2), (form.bias - 1) * math.log(2))
    # The sum has no bits left for a fraction: the whole number, as an exponent is written, stands in the last ones.
    slope, shift = _every(code, v, -1 / math.log(2)), _every(code, v, 1.5 * 2**form.fraction + form.bias)
    shifted = code.multiply_add(builder, v, slope, shift)
    t = code.multiply_add(builder, v, slope, builder.fsub(shift, shifted))
    near_one = _polynomial(code, builder, t, _near_one(code.item))
    bits = ir.VectorType(ir.IntType(8 * code.item), t.type.count)
    power = builder.shl(builder.bitcast(shifted, bits), ir.Constant(bits, [form.fraction] * t.type.count))
    return code.multiply_add(builder, builder.bitcast(power, t.type), near_one, _every(code, t, 1.0))


def _near_one(item: int) -> list[float]:
    """Coefficients of 2**t for |t| <= 1/2, the lowest power first; off by at most 2**-23 and 2**-57.

    What SiLU may err by is eight times 2**-24, or 2**-53. Of float32 by interpolation in Chebyshev's points, which
    spares two powers; of float64 by Taylor's series, as coefficients that were found in double are off by five units.
    """
    if item > SINGLE:
        return [math.log(2) ** power / math.factorial(power) for power in range(14)]
    import numpy as np
    from numpy.polynomial import Chebyshev, Polynomial

    found = Chebyshev.interpolate(np.exp2, 5, domain=[-0.5, 0.5]).convert(kind=Polynomial, domain=[-1, 1])
    return [float(each) for each in found.coef]


def _polynomial(code: Code, builder: Any, x: Any, coefficients: Sequence[float]) -> Any:
    """By Horner's rule; the lowest power first."""
    sum_ = _every(code, x, coefficients[-1])
    for each in reversed(coefficients[:-1]):
        sum_ = code.multiply_add(builder, sum_, x, _every(code, x, each))
    return sum_


def _between(code: Code, builder: Any, value: Any, least: float, most: float) -> Any:
    """NaN becomes ``least``: two vectors share a division, which NaN of one would carry to the other."""
    low, high = _every(code, value, least), _every(code, value, most)
    value = builder.select(builder.fcmp_ordered(">", value, low), value, low)
    return builder.select(builder.fcmp_ordered("<", value, high), value, high)


def _every(code: Code, like: Any, value: float) -> Any:
    """A number in every lane of a vector such as ``like``, rounded to its elements."""
    rounded = _single(value) if code.item == SINGLE else value
    return code.ir.Constant(like.type, [rounded] * like.type.count)


def _single(value: float) -> float:
    """The nearest float32, which LLVM asks of a constant's text."""
    import numpy as np

    return float(np.float32(value))
