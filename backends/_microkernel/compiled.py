"""What numba compiles: the functions that carry out a schedule, on one thread or on several.

Imported only where a layer is prepared, since importing this imports numba. Everything heavy is compiled once for each
element type, into one function of four numbers that is called by its address: the caller for one thread and the one
for several would otherwise each hold, and compile, a copy of every kernel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from llvmlite import ir
from numba import cfunc, njit, prange, types
from numba.extending import intrinsic

from backends._microkernel.dots import Dots
from backends._microkernel.generator import Kernels
from backends._microkernel.llvm import Code
from backends._microkernel.packing import Copies
from backends._microkernel.registers import of_this_host
from backends._microkernel.sweep import CHANNELS, COPIED, FIELDS, GATHERED, PIXELS, STREAMED

# A plan in memory is a header of words and the sweeps. Where the header's words are:
STEPS, RELU, ZEROS, PARTS = 0, 1, 2, 3  # from PARTS on: where each part's sweeps begin, and where the last part's end

LINE: Final = 64
CHUNK: Final = 8  # channels that are streamed side by side: as many runs of memory as the hardware follows
WIDTH: Final = len(FIELDS)
(
    KIND, PACK, ROWS, PANELS, LANES, VALID, X, AHEAD, X_STEP, X_ROW, OFFSETS, SCRATCH, WEIGHT, BIAS, Y, Y_ROW, Y_LANE,
) = range(WIDTH)  # fmt: skip


def _written(write: Callable[[Code], Any]) -> Any:
    """An intrinsic ``f(like, *words)`` that calls a function of LLVM code; ``like`` points to the code's elements."""

    @intrinsic  # type: ignore[untyped-decorator]
    def call(typing_context: Any, like: Any, *words: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            function = write(Code(builder.module, like.dtype.bitwidth // 8))
            builder.call(function, [builder.extract_value(arguments[1], place) for place in range(len(words))])
            return context.get_dummy_value()

        return types.void(like, types.StarArgTuple([types.int64] * len(words))), generate

    return call


_pixels = _written(lambda code: Kernels(code, of_this_host(code.item)).choice("pixels"))
_more = _written(lambda code: Kernels(code, of_this_host(code.item)).choice("more"))
_channels = _written(lambda code: Kernels(code, of_this_host(code.item)).choice("channels"))
_dots = _written(lambda code: Dots(code, of_this_host(code.item)).choice())
_copy = _written(lambda code: Copies(code, of_this_host(code.item)).vectors())
_gather = _written(lambda code: Copies(code, of_this_host(code.item)).elements())


@intrinsic  # type: ignore[untyped-decorator]
def _address(typing_context: Any, pointer: Any) -> Any:
    """A pointer as a word."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], context.get_value_type(types.int64))

    return types.int64(pointer), generate


@intrinsic  # type: ignore[untyped-decorator]
def _item(typing_context: Any, pointer: Any) -> Any:
    """Bytes of what a pointer points to."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.get_constant(types.int64, pointer.dtype.bitwidth // 8)

    return types.int64(pointer), generate


@intrinsic  # type: ignore[untyped-decorator]
def _call(typing_context: Any, function: Any, x: Any, y: Any, plan: Any, part: Any) -> Any:
    """Calls the function of four words that lies at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = arguments[0].type
        kind = ir.FunctionType(ir.VoidType(), [word] * 4)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate


@njit  # type: ignore[untyped-decorator]
def _stream(x: Any, source: int, target: int, plan: Any, at: int) -> None:
    """A run of tiles, a chunk of channels after the other. The bias and the ReLU come with the last one."""
    item, k, step = _item(x), plan[STEPS], plan[at + X_STEP]
    lanes, rows, tiles = plan[at + LANES], plan[at + ROWS], plan[at + PANELS]
    for begin in range(0, k, CHUNK):
        steps = min(CHUNK, k - begin)
        weight, pixels, results = plan[at + WEIGHT] + begin * rows * item, source + begin * step, target
        bias, relu = (plan[at + BIAS], plan[RELU]) if begin + steps == k else (plan[ZEROS], 0)
        for tile in range(tiles):
            # The next tile, or the next channels from the beginning of the run.
            ahead = pixels + lanes * item if tile + 1 < tiles else source + (begin + CHUNK) * step
            _more(
                x, rows, lanes, lanes, steps, weight, 0, 0, pixels, step, results, plan[at + Y_ROW], 0,
                bias, relu, ahead, step, LINE, ahead, begin, 1,
            )  # fmt: skip
            pixels += lanes * item
            results += lanes * item


@cache
def work(dtype: str) -> int:
    """Address of the function ``(x, y, plan, part)`` that carries out one part of a plan."""
    element = getattr(types, dtype)
    signature = types.void(types.CPointer(element), types.int64, types.CPointer(types.int64), types.int64)
    compiled = cfunc(signature, cache=True, error_model="numpy")(_work_of(_version()))
    return int(compiled.address)


def _version() -> str:
    """Of the code that writes kernels: numba's cache on disk asks for the age of a function's own file alone."""
    package = Path(__file__).parent
    texts = (path.read_bytes() for path in sorted(package.glob("*.py")))
    return hashlib.sha256(b"".join(texts)).hexdigest()


def _work_of(version: str) -> Callable[[Any, int, Any, int], None]:
    """The function before it is compiled. ``version`` is part of the key under which numba keeps its code."""

    def carry_out(x: Any, y: int, plan: Any, part: int) -> None:
        if version == "":
            return
        item = _item(x)
        k, relu = plan[STEPS], plan[RELU]
        for at in range(plan[PARTS + part], plan[PARTS + part + 1], WIDTH):
            source, step, row = _address(x) + plan[at + X], plan[at + X_STEP], plan[at + X_ROW]
            lanes, rows, panels = plan[at + LANES], plan[at + ROWS], plan[at + PANELS]
            if plan[at + PACK] > STREAMED:
                scratch = plan[at + SCRATCH]
                count = lanes if plan[at + KIND] == PIXELS else rows
                if plan[at + PACK] == COPIED:
                    _copy(x, k, source, step, scratch, count, 0)
                elif plan[at + PACK] == GATHERED:
                    _gather(x, k, source, step, scratch, count, plan[at + OFFSETS])
                source, step, row = scratch, count * item, item
            weight, bias, target, y_row = plan[at + WEIGHT], plan[at + BIAS], y + plan[at + Y], plan[at + Y_ROW]
            if plan[at + PACK] == STREAMED:
                _stream(x, source, target, plan, at)
                continue
            # Where there are fewer panels than lines in a row of pixels, the first one asks for all of them.
            ahead, ahead_line = _address(x) + plan[at + AHEAD], LINE if panels * LINE < lanes * item else 0
            ahead_end = ahead if ahead_line else ahead + lanes * item
            height, higher = rows // panels, rows % panels
            for high, count in ((height + 1, higher), (height, panels - higher)):
                if count == 0:
                    continue
                if plan[at + KIND] == PIXELS:
                    _pixels(
                        x, high, lanes, lanes, k, weight, 0, 0, source, step, target, y_row, 0, bias, relu,
                        ahead, plan[at + X_STEP], ahead_line, ahead_end, 0, count,
                    )  # fmt: skip
                    ahead += count * LINE
                    weight += count * high * k * item
                    bias += count * high * item
                elif plan[at + KIND] == CHANNELS:
                    _channels(
                        x, high, lanes, plan[at + VALID], k, source, row, step, weight, 0,
                        target, y_row, plan[at + Y_LANE], bias, relu, 0, 0, 0, 0, 0, count,
                    )  # fmt: skip
                else:
                    _dots(
                        x, high, lanes, lanes, k, source, row, 0, weight, 0,
                        target, y_row, plan[at + Y_LANE], bias, relu, 0, 0, 0, 0, 0, count,
                    )  # fmt: skip
                source += 0 if plan[at + KIND] == PIXELS else count * high * row
                target += count * high * y_row

    return carry_out


@njit(cache=True)  # type: ignore[untyped-decorator]
def on_one_thread(x: Any, y: int, plan: int, function: int) -> None:
    """The whole plan, which has one part. ``x`` is the layer's input, the others are addresses."""
    _call(function, x.ctypes.data, y, plan, 0)


@njit(cache=True, parallel=True)  # type: ignore[untyped-decorator]
def on_threads(x: Any, y: int, plan: int, function: int, parts: int) -> None:
    """A part of the plan on each thread of numba's pool."""
    address = x.ctypes.data
    for part in prange(parts):
        _call(function, address, y, plan, part)
