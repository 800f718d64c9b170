"""What numba compiles for a planned layer: pieces of its work, each finished while its result is in the cache.

The kernel writes sums and bias. The residual is added and the activation applied right behind each piece, of some
128 KiB, by the same thread: as a pass of its own over the whole result, that cost PyTorch as much as a small layer.
A function is given one address, of words, and runs alone or as a region of OpenMP, in which each thread takes its part.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from pointwise_bench.backends._microkernel.kernels.intrinsics import call
from pointwise_bench.torch.own_kernel.words import (
    ACTIVATION,
    BEGINS,
    OTHER,
    PARTS,
    PIECE,
    PLAN,
    TEAM,
    THREAD,
    WORK,
    ZEROS,
    X,
    Y,
)


@intrinsic  # type: ignore[untyped-decorator]
def number(typing_context: Any, function: Any) -> Any:
    """What the C function at an address returns, an int."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = ir.FunctionType(ir.IntType(32), [])
        return builder.sext(builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), []), ir.IntType(64))

    return types.int64(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def floats(typing_context: Any, place: Any) -> Any:
    """Elements at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.FloatType().as_pointer())

    return types.CPointer(types.float32)(types.int64), generate


@intrinsic  # type: ignore[untyped-decorator]
def power_of_two(typing_context: Any, shifted: Any) -> Any:
    """2**n, where ``shifted`` is n + ``SHIFT``: n stands in its last bits."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ir.IntType(32)
        bits = builder.add(builder.bitcast(arguments[0], word), ir.Constant(word, 127))
        return builder.bitcast(builder.shl(bits, ir.Constant(word, 23)), ir.FloatType())

    return types.float32(types.float32), generate


# Constants that are not float32 would make all arithmetic double.
f = np.float32
zero, half, one, three, six = f(0), f(0.5), f(1), f(3), f(6)
log2_e, farthest, shift = f(1.4426950408889634), f(126), f(1.5 * 2**23)
# Taylor's series of 2**t: for |t| <= 1/2 what is left off is below 2**-26.
t1, t2, t3, t4 = f(0.6931471805599453), f(0.2402265069591007), f(0.05550410866482158), f(0.009618129107628477)
t5, t6, t7 = f(0.0013333558146428443), f(0.0001540353039338161), f(1.5252733804059841e-05)
# erf(z) = z P(z^2) / Q(z^2) for |z| <= 4, beyond which it is 1 in float32: the coefficients of Eigen's
# ``generic_fast_erf_float``, one division instead of two and no exponential.
root, four = f(0.7071067811865476), f(4)
p1, p3, p5, p7 = f(-1.60960333262415e-02), f(-2.95459980854025e-03), f(-7.34990630326855e-04), f(-5.69250639462346e-05)
p9, p11, p13 = f(-2.10102402082508e-06), f(2.77068142495902e-08), f(-2.72614225801306e-10)
q0, q2, q4 = f(-1.42647390514189e-02), f(-7.37332916720468e-03), f(-1.68282697438203e-03)
q6, q8 = f(-2.13374055278905e-04), f(-1.45660718464996e-05)
# 1/6 is rounded: a division would be as slow as all the rest.
sixth = f(1 / 6)


@njit(inline="always")  # type: ignore[untyped-decorator]
def exponential(v: Any) -> Any:
    """e**v within two roundings; no further than 2**126 either way."""
    t = v * log2_e
    t = farthest if t > farthest else t
    t = -farthest if t < -farthest else t
    shifted = t + shift
    t -= shifted - shift
    series = one + t * (t1 + t * (t2 + t * (t3 + t * (t4 + t * (t5 + t * (t6 + t * t7))))))
    return series * power_of_two(shifted)


@njit(inline="always")  # type: ignore[untyped-decorator]
def error_function(z: Any) -> Any:
    """erf(z)."""
    z = four if z > four else z
    z = -four if z < -four else z
    s = z * z
    above = p1 + s * (p3 + s * (p5 + s * (p7 + s * (p9 + s * (p11 + s * p13)))))
    return z * above / (q0 + s * (q2 + s * (q4 + s * (q6 + s * q8))))


# NaN stays in all of them: it is neither less nor greater than anything.
@njit(inline="always")  # type: ignore[untyped-decorator]
def relu(v: Any) -> Any:
    """Nothing below zero."""
    return zero if v < zero else v


@njit(inline="always")  # type: ignore[untyped-decorator]
def relu6(v: Any) -> Any:
    """Nothing below zero or above six."""
    v = zero if v < zero else v
    return six if v > six else v


@njit(inline="always")  # type: ignore[untyped-decorator]
def finished(v: Any, activation: Any) -> Any:
    """An activation, by its number in ``ACTIVATIONS``."""
    if activation == 1:
        return relu(v)
    if activation == 2:
        return relu6(v)
    if activation == 3:
        return v / (one + exponential(-v))
    if activation == 4:
        return v * relu6(v + three) * sixth
    if activation == 5:
        return half * v * (one + error_function(v * root))
    return one / (one + exponential(-v)) if activation == 6 else v


def loop_of(activation: int) -> Any:
    """One loop for each, so that each is made of vectors."""

    @njit  # type: ignore[untyped-decorator]
    def row(y: Any, other: Any, count: Any) -> None:
        for at in range(count):
            y[at] = finished(y[at] + other[at], activation)

    return row


row0, row1, row2, row3, row4, row5, row6 = map(loop_of, range(7))


@njit  # type: ignore[untyped-decorator]
def finish(place: Any, other: Any, activation: Any, count: Any) -> None:
    """A row of a piece."""
    y, added = floats(place), floats(other)
    if activation == 0:
        row0(y, added, count)
    elif activation == 1:
        row1(y, added, count)
    elif activation == 2:
        row2(y, added, count)
    elif activation == 3:
        row3(y, added, count)
    elif activation == 4:
        row4(y, added, count)
    elif activation == 5:
        row5(y, added, count)
    else:
        row6(y, added, count)


@cfunc(  # type: ignore[untyped-decorator]
    types.void(types.CPointer(types.int64)), cache=True, error_model="numpy", fastmath={"contract"}
)
def carried_out(words: Any) -> None:
    """A whole layer, or in a region of OpenMP the parts of one thread."""
    first, step = 0, 1
    if words[THREAD] != 0:
        first, step = number(words[THREAD]), number(words[TEAM])
    other, activation = words[OTHER], words[ACTIVATION]
    pieces = BEGINS + words[PARTS] + 1
    for part in range(first, words[PARTS], step):
        for piece in range(words[BEGINS + part], words[BEGINS + part + 1]):
            call(words[WORK], words[X], words[Y], words[PLAN], piece)
            if other == 0 and activation == 0:
                continue
            at = pieces + PIECE * piece
            for row in range(words[at + 1]):
                start = words[at] + row * words[at + 2]
                # Zeros where nothing is added: a second loop for each activation would take as long again to compile.
                finish(words[Y] + start, other + start if other != 0 else words[ZEROS], activation, words[at + 3])
