"""Dot products: the kernels for few output channels in NHWC, whose sums are vectors of input channels.

The kernels of ``generator`` have output channels in their lanes. Three of them leave a vector of eight mostly empty,
and every one of a pixel's 256 channels must be broadcast. But there a pixel's channels are neighbours, and so are an
output channel's weights as they are given: both are read in vectors along the input channels, and each result of a
tile of pixels x output channels has a vector of partial sums, which is added up once, at the end::

    c[i, j] = max(lowest, bias[j] + sum over a vector of (sum_k a[i, k] * b[j, k])) 0 <= i < rows, 0 <= j < lanes

Channels beyond the last whole vector are taken one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pointwise_bench.backends._microkernel.kernels.llvm import CACHE_LINE, Code
from pointwise_bench.backends._microkernel.kernels.registers import Registers
from pointwise_bench.backends._microkernel.kernels.smooth import SHORT, smooth
from pointwise_bench.backends._microkernel.kernels.words import RELU6, for_each_tile, function_of_words, lowest


class Dots:
    """Writes into an LLVM module these kernels of one element type."""

    def __init__(self, code: Code, registers: Registers) -> None:
        self._code = code
        self._registers = registers

    def write(self, name: str, rows: int, lanes: int) -> Any:
        """The kernel of so many rows and lanes."""
        code = self._code
        function, builder, words = function_of_words(code, name, "dots")
        for_each_tile(code, builder, words, lambda here: self._tile(builder, rows, lanes, here))
        builder.ret_void()
        return function

    def _tile(self, builder: Any, rows: int, lanes: int, words: dict[str, Any]) -> None:
        """One tile. The pixels behind it are asked for on the way."""
        code, width = self._code, self._registers.lanes
        weights = builder.mul(words["k"], code.word(code.item))  # bytes of one output channel
        places = [builder.add(words["a"], builder.mul(words["a_row"], code.word(row))) for row in range(2 * rows)]
        pixels, ahead = places[:rows], places[rows:]
        outputs = [builder.add(words["b"], builder.mul(weights, code.word(lane))) for lane in range(lanes)]
        vectors = builder.udiv(words["k"], code.word(width))
        sums = self._products(builder, code.vector(width), vectors, pixels, outputs, ahead)
        taken = builder.mul(vectors, code.word(width))
        pixels, outputs = (
            [builder.add(each, builder.mul(taken, code.word(code.item))) for each in addresses]
            for addresses in (pixels, outputs)
        )
        rest = self._products(builder, code.element, builder.sub(words["k"], taken), pixels, outputs)
        totals = [code.total(builder, vector, start) for vector, start in zip(sums, rest, strict=True)]
        self._store(builder, words, [totals[row * lanes : (row + 1) * lanes] for row in range(rows)])

    def _products(
        self,
        builder: Any,
        kind: Any,
        count: Any,
        pixels: Sequence[Any],
        outputs: Sequence[Any],
        ahead: Sequence[Any] = (),
    ) -> list[Any]:
        """Sums of ``count`` products of every pixel with every output channel, as vectors or as elements.

        What follows ``ahead`` is asked for step by step: the next tile's pixels.
        """
        code = self._code
        size = code.word(getattr(kind, "count", 1) * code.item)

        def step(index: Any, sums: list[Any]) -> list[Any]:
            offset = builder.mul(index, size)
            b = [code.load(builder, kind, builder.add(address, offset)) for address in outputs]
            a = [code.load(builder, kind, builder.add(address, offset)) for address in pixels]
            for address in ahead:
                code.prefetch(builder, builder.add(address, offset))
            pairs = [(one, other) for one in a for other in b]
            return [
                code.multiply_add(builder, one, other, total) for (one, other), total in zip(pairs, sums, strict=True)
            ]

        return code.loop(
            builder,
            count,
            step,
            [code.ir.Constant(kind, None if kind != code.element else 0.0)] * len(pixels) * len(outputs),
        )

    def _store(self, builder: Any, words: dict[str, Any], totals: list[list[Any]]) -> None:
        """Bias, residual, ReLU, and one element after the other; longer activations by way of the stack, in vectors."""
        code = self._code
        least = lowest(code, builder, words["activation"])
        places, sums = [], []
        for row, line in enumerate(totals):
            start = builder.add(words["c"], builder.mul(words["c_row"], code.word(row)))
            for lane, total in enumerate(line):
                bias = code.load(builder, code.element, words["bias"], lane * code.item)
                sums.append(builder.fadd(total, bias))
                places.append(builder.add(start, builder.mul(words["c_lane"], code.word(lane))))
        values = [
            builder.select(builder.fcmp_ordered("<", value, least), least, value)
            for value in self._added(builder, words["other"], sums, places)
        ]
        for value, place in zip(values, places, strict=True):
            code.store(builder, value, place)
        with builder.if_then(builder.icmp_unsigned(">=", words["activation"], code.word(RELU6)), likely=False):
            for place, value in zip(places, self._by_stack(builder, values, words["activation"]), strict=True):
                code.store(builder, value, place)

    def _added(self, builder: Any, other: Any, sums: list[Any], places: list[Any]) -> list[Any]:
        """A residual, of which each element lies as far behind its place in the result."""
        code = self._code

        def add() -> list[Any]:
            parts = [code.load(builder, code.element, builder.add(place, other)) for place in places]
            return [builder.fadd(total, part) for total, part in zip(sums, parts, strict=True)]

        return code.unless_zero(builder, other, sums, add)

    def _by_stack(self, builder: Any, values: list[Any], activation: Any) -> list[Any]:
        """The activation of each value."""
        code, half = self._code, self._registers.half
        lanes = -(-len(values) // half) * half
        with builder.goto_entry_block():
            buffer = builder.alloca(code.ir.ArrayType(code.element, lanes))
            buffer.align = CACHE_LINE
        stack = builder.ptrtoint(buffer, code.word)
        rest = [code.ir.Constant(code.element, 0.0)] * (lanes - len(values))
        for number, value in enumerate([*values, *rest]):
            code.store(builder, value, stack, number * code.item)
        for number, way in SHORT.items():
            with builder.if_then(builder.icmp_unsigned("==", activation, code.word(number))):
                for offset in range(0, lanes * code.item, half * code.item):
                    value = code.load(builder, code.vector(half), stack, offset)
                    code.store(builder, way(code, builder, value), stack, offset)
        smooth(code, builder, activation, stack, code.word(0), code.word(1), code.word(lanes))
        return [code.load(builder, code.element, stack, number * code.item) for number in range(len(values))]
