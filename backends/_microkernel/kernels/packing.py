"""Packing: operands laid out in the order in which a kernel reads them.

Weights are packed once, in ``prepare``. Pixels are packed inside the clock, into a scratch that holds a tile, or the
few that are taken together: a row of a tile lies a whole plane of the picture behind the row before, on another page
and, where planes are powers of two, in the same set of the cache; packed, it is one stream. Where a tile meets one or
two panels of weights only, packing mostly costs more than it saves, and kernels read the picture itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.backends._microkernel.kernels.llvm import CACHE_LINE, WORD, Code
from pointwise_bench.backends._microkernel.kernels.registers import Registers

if TYPE_CHECKING:
    from pointwise_bench.backends.backend import Array


def by_rows(weight: Array, panels: Sequence[int]) -> list[Array]:
    """For kernels of pixels: panels of so many output channels, each ``(channels, rows)`` and contiguous, flattened."""
    import numpy as np

    ends = np.cumsum(panels)
    return [np.ascontiguousarray(weight[end - rows : end].T).ravel() for rows, end in zip(panels, ends, strict=True)]


def by_lanes(weight: Array, tiles: Sequence[int]) -> list[Array]:
    """For kernels of channels: tiles ``(channels, lanes)``; lanes beyond the last output channel are zero."""
    import numpy as np

    padded = np.zeros((sum(tiles), weight.shape[1]), weight.dtype)
    padded[: len(weight)] = weight
    return by_rows(padded, tiles)


SHORTEST: Final = 16  # bytes of a vector that is worth asking for


class Copies:
    """Writes into an LLVM module what packs pixels: ``(k, source, step, target, lanes, ahead | offsets)``, in bytes."""

    def __init__(self, code: Code, registers: Registers) -> None:
        self._code = code
        self._registers = registers

    def vectors(self, name: str, count: int) -> Any:
        """Copies ``lanes`` neighbours, ``count`` of the processor's vectors, from ``k`` rows that lie ``step`` apart.

        What lies ``ahead`` of each is asked for.
        """
        code, width = self._code, self._registers.lanes
        function, builder, (k, source, step, target, _, ahead) = code.function(name, 6)
        size = count * width * code.item

        def row(index: Any, _: list[Any]) -> tuple[()]:
            here = builder.add(source, builder.mul(index, step))
            there = builder.add(target, builder.mul(index, code.word(size)))
            for offset in range(0, size, CACHE_LINE):
                code.prefetch(builder, builder.add(here, ahead), offset)
            for offset in range(0, size, width * code.item):
                code.store(builder, code.load(builder, code.vector(width), here, offset), there, offset)
            return ()

        code.loop(builder, k, row)
        builder.ret_void()
        return function

    def elements(self, name: str) -> Any:
        """Copies from each row the elements at ``offsets``, an array of ``lanes`` words: what a stride reads."""
        code, width = self._code, self._registers.lanes
        function, builder, (k, source, step, target, lanes, offsets) = code.function(name, 6)
        vectors = builder.udiv(lanes, code.word(width))
        rest = builder.mul(vectors, code.word(width))

        def row(index: Any, _: list[Any]) -> tuple[()]:
            here = builder.add(source, builder.mul(index, step))
            there = builder.add(target, builder.mul(builder.mul(index, lanes), code.word(code.item)))

            def vector(number: Any, _: list[Any]) -> tuple[()]:
                self._elements(builder, here, there, offsets, builder.mul(number, code.word(width)), width)
                return ()

            def element(number: Any, _: list[Any]) -> tuple[()]:
                self._elements(builder, here, there, offsets, builder.add(rest, number), 1)
                return ()

            code.loop(builder, vectors, vector)
            code.loop(builder, builder.sub(lanes, rest), element)
            return ()

        code.loop(builder, k, row)
        builder.ret_void()
        return function

    def _elements(self, builder: Any, here: Any, there: Any, offsets: Any, lane: Any, count: int) -> None:
        """``count`` elements: as a vector where they lie at a stride of two, else in halves, or singly."""
        code = self._code
        place = builder.add(offsets, builder.mul(lane, code.word(WORD)))
        target = builder.add(there, builder.mul(lane, code.word(code.item)))

        def source(number: int) -> Any:
            return builder.add(here, code.load(builder, code.word, place, number * WORD))

        if count * code.item < SHORTEST:
            for number in range(count):
                code.store(builder, code.load(builder, code.element, source(number)), target, number * code.item)
            return
        first, last = source(0), source(count - 1)
        span = code.word(2 * (count - 1) * code.item)
        with builder.if_else(builder.icmp_unsigned("==", builder.sub(last, first), span)) as (together, apart):
            with together:
                code.store(builder, self._every_second(builder, first, count), target)
            with apart:
                for half in (lane, builder.add(lane, code.word(count // 2))):
                    self._elements(builder, here, there, offsets, half, count // 2)

    def _every_second(self, builder: Any, source: Any, count: int) -> Any:
        """Elements 0, 2, 4, ... from ``source`` on. The second vector begins where it ends with the last of them."""
        code = self._code
        low = code.load(builder, code.vector(count), source)
        high = code.load(builder, code.vector(count), source, (count - 1) * code.item)
        index = code.ir.IntType(32)
        places = [*range(0, count, 2), *range(count + 1, 2 * count, 2)]
        return builder.shuffle_vector(
            low, high, code.ir.Constant(code.ir.VectorType(index, count), [index(place) for place in places])
        )
