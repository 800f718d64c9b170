"""What numba compiles for a depthwise convolution over rows of channels: each channel by weights of its own.

A tile is some neighbouring pixels of a row by one or two vectors of channels. Its sums stay in registers over all
taps, and each vector of weights is loaded once for all of its pixels. Taps beyond the picture are not taken, so that
nothing is padded; pixels that have such taps to their left or right are computed one by one.
"""

from __future__ import annotations

from typing import Any, Final

from numba import cfunc, njit, types
from numba.extending import intrinsic

from pointwise_bench.backends._microkernel.kernels.llvm import Code
from pointwise_bench.backends._microkernel.kernels.registers import of_this_host
from pointwise_bench.torch.own_kernel.depthwise_words import (
    BIAS,
    CHANNELS,
    COLUMNS,
    HEAD,
    OUT_COLUMNS,
    PADDING,
    PIECE,
    ROWS,
    SIDE,
    STRIDE,
    WEIGHT,
)

ITEM: Final = 4
LANES: Final = of_this_host(ITEM).lanes
MANY: Final = 6
"""Pixels of a tile: with two vectors of channels its sums are twelve, what the fewest registers hold."""
SOME: Final = 3
"""Of what is left of a row."""


def _tile(vectors: int, pixels: int) -> Any:
    """An intrinsic ``f(x, weight, bias, y, rows, columns, row, column, step, weight_row)``, counts and bytes."""
    name = f"depthwise_{vectors}_{pixels}"

    @intrinsic  # type: ignore[untyped-decorator]
    def call(typing_context: Any, *words: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            code = Code(builder.module, ITEM)
            function = builder.module.globals.get(name) or _written(code, name, vectors, pixels)
            builder.call(function, [builder.extract_value(arguments[0], place) for place in range(len(words))])
            return context.get_dummy_value()

        return types.void(types.StarArgTuple([types.int64] * len(words))), generate

    return call


def _written(code: Code, name: str, vectors: int, pixels: int) -> Any:
    """The function of a tile: a loop over rows of taps, in it one over taps."""
    function, builder, words = code.function(name, 10)
    x, weight, bias, y, rows, columns, row, column, step, weight_row = words
    kind, size = code.vector(LANES), ITEM * LANES
    begin = [code.load(builder, kind, bias, size * place) for place in range(vectors)] * pixels

    def tap(_: Any, carried: list[Any]) -> list[Any]:
        source, held, *sums = carried
        weights = [code.load(builder, kind, held, size * place) for place in range(vectors)]
        after, pixel = [], source
        for number in range(pixels):
            for place, own in enumerate(weights):
                value = code.load(builder, kind, pixel, size * place)
                after.append(code.multiply_add(builder, value, own, sums[vectors * number + place]))
            pixel = builder.add(pixel, step)
        return [builder.add(source, column), builder.add(held, column), *after]

    def taps(_: Any, carried: list[Any]) -> list[Any]:
        source, held, *_sums = carried
        _, _, *after = code.loop(builder, columns, tap, carried)
        return [builder.add(source, row), builder.add(held, weight_row), *after]

    _, _, *sums = code.loop(builder, rows, taps, [x, weight, *begin])
    for number in range(pixels):
        for place in range(vectors):
            code.store(builder, sums[vectors * number + place], y, size * place)
        y = builder.add(y, column)
    builder.ret_void()
    return function


two_many, two_some, two_one = (_tile(2, pixels) for pixels in (MANY, SOME, 1))
one_many, one_some, one_one = (_tile(1, pixels) for pixels in (MANY, SOME, 1))


@njit  # type: ignore[untyped-decorator]
def tiles_of_two(
    x: Any, w: Any, b: Any, y: Any, rows: Any, taps: Any, row: Any, column: Any, step: Any, below: Any, pixels: Any
) -> None:
    """A tile of so many pixels, of two vectors."""
    if pixels == MANY:
        two_many(x, w, b, y, rows, taps, row, column, step, below)
    elif pixels == SOME:
        two_some(x, w, b, y, rows, taps, row, column, step, below)
    else:
        two_one(x, w, b, y, rows, taps, row, column, step, below)


@njit  # type: ignore[untyped-decorator]
def tiles_of_one(
    x: Any, w: Any, b: Any, y: Any, rows: Any, taps: Any, row: Any, column: Any, step: Any, below: Any, pixels: Any
) -> None:
    """The same of one vector."""
    if pixels == MANY:
        one_many(x, w, b, y, rows, taps, row, column, step, below)
    elif pixels == SOME:
        one_some(x, w, b, y, rows, taps, row, column, step, below)
    else:
        one_one(x, w, b, y, rows, taps, row, column, step, below)


@njit(error_model="numpy")  # type: ignore[untyped-decorator]
def line(x: Any, y: Any, plan: Any, at: Any) -> None:
    """One row of the result, the ``at``-th of its picture, which begins at ``x``; the row at ``y``."""
    stride, padding, side, width = plan[STRIDE], plan[PADDING], plan[SIDE], plan[COLUMNS]
    column = ITEM * plan[CHANNELS]
    row, below, step = column * width, column * side, column * stride
    top = max(0, padding - at * stride)
    rows = min(side, plan[ROWS] + padding - at * stride) - top
    x += (at * stride - padding + top) * row
    w = plan[WEIGHT] + top * below
    inner, outer = (padding + stride - 1) // stride, (width + padding - side) // stride + 1
    done = 0
    while done < plan[CHANNELS]:
        two = done + 2 * LANES <= plan[CHANNELS]
        place, pixel = ITEM * done, 0
        while pixel < plan[OUT_COLUMNS]:
            count, left, taps = 1, 0, side
            if inner <= pixel < outer:
                count = MANY if pixel + MANY <= outer else SOME if pixel + SOME <= outer else 1
            else:
                left = max(0, padding - pixel * stride)
                taps = min(side, width + padding - pixel * stride) - left
            source = x + (pixel * stride - padding + left) * column + place
            own, result = w + left * column + place, y + pixel * column + place
            bias = plan[BIAS] + place
            if two:
                tiles_of_two(source, own, bias, result, rows, taps, row, column, step, below, count)
            else:
                tiles_of_one(source, own, bias, result, rows, taps, row, column, step, below, count)
            pixel += count
        done += 2 * LANES if two else LANES


@cfunc(  # type: ignore[untyped-decorator]
    types.void(types.int64, types.int64, types.CPointer(types.int64), types.int64), cache=True, error_model="numpy"
)
def carry_out(x: Any, y: Any, plan: Any, piece: Any) -> None:
    """Some rows of one picture."""
    at = HEAD + PIECE * piece
    picture, target, first = x + plan[at], y + plan[at + 1], plan[at + 2]
    for number in range(plan[at + 3]):
        line(picture, target, plan, first + number)
        target += ITEM * plan[CHANNELS] * plan[OUT_COLUMNS]
