"""The register kernels: LLVM code for one tile of the result, in registers from the first channel to the last.

A kernel computes a tile of ``rows`` x ``lanes`` elements::

    c[i, j] = max(lowest, bias[i or j] + sum_k a[k, i] * b[k, j])        0 <= i < rows, 0 <= j < lanes

``b`` is read in vectors, ``a`` one element at a time and broadcast, and every ``c[i, :]`` is an accumulator of one or
more vector registers. A step of k is ``rows + vectors`` loads for ``rows * vectors`` multiply-adds: the larger the
tile, the further the arithmetic is ahead of the loads, until the registers are used up (K. Goto and R. van de Geijn,
"Anatomy of High-Performance Matrix Multiplication", 2008; F. Van Zee and R. van de Geijn, "BLIS", 2015). Which operand
is which depends on what lies contiguous in memory:

============  ==================================  =====================================================
kind          ``b``, in vectors                   ``a``, broadcast
============  ==================================  =====================================================
``pixels``    pixels of ``x`` (NCHW)              weights, packed so that the rows of a step are neighbours
``channels``  weights, packed by output channels  pixels of ``x`` (NHWC; and what NCHW has left of pixels)
============  ==================================  =====================================================

Few output channels in NHWC have kernels of another form, in ``dots``.

This is LLVM code and not numba's Python because only here can an accumulator be named: numba's arrays live in memory,
and before it kept them in registers LLVM would have to prove that they do not overlap. Nothing belongs to one
processor: a vector wider than the machine's is split, and a multiply-add is fused where there is an instruction for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from backends._microkernel.llvm import CACHE_LINE, Code
from backends._microkernel.registers import STREAMED_ROWS, USUAL_VECTORS, Registers

Kind = Literal["pixels", "more", "channels"]
"""``more`` is ``pixels`` for a part of the channels: it goes on with the sums that the result holds, if ``begun``."""

PARAMETERS = (
    *("rows", "lanes", "valid", "k", "a", "a_row", "a_step", "b", "b_step", "c", "c_row", "c_lane", "bias", "relu"),
    *("ahead", "ahead_step", "ahead_line", "ahead_end", "begun", "panels"),
)
"""Of every kernel. Strides in bytes: from row to row, from step to step, from lane to lane; ``valid`` lanes exist.

A kernel is called for ``panels`` panels, one behind the other: with sixteen channels a panel is done in a hundred
cycles, and to enter a kernel with all its words takes nearly as many.

``ahead`` is where the next tile of pixels begins. Its lines are asked for one step after the other while this tile is
computed, since a row of it lies a whole plane behind the one before, where no hardware looks ahead. Each panel asks for
one line further, up to ``ahead_end``.
"""


def lowest(code: Code, builder: Any, relu: Any) -> Any:
    """The least element that a result may be: zero with a ReLU, which the word ``relu`` tells."""
    wanted = builder.icmp_unsigned("!=", relu, code.word(0))
    return builder.select(wanted, code.ir.Constant(code.element, 0.0), code.ir.Constant(code.element, float("-inf")))


def panel_words(
    code: Code, builder: Any, kind: Kind | Literal["dots"], rows: int, words: dict[str, Any], number: Any
) -> dict[str, Any]:
    """The words of one panel of many: each begins ``rows`` rows behind the one before."""

    def advanced(name: str, stride: Any) -> Any:
        return builder.add(words[name], builder.mul(builder.mul(number, code.word(rows)), stride))

    own = words | {"c": advanced("c", words["c_row"])}
    if kind in ("channels", "dots"):
        return own | {"a": advanced("a", words["a_row"])}
    item = code.word(code.item)
    ahead = builder.add(words["ahead"], builder.mul(number, code.word(CACHE_LINE)))
    asked = builder.icmp_unsigned("<=", ahead, words["ahead_end"])
    return own | {
        "a": advanced("a", builder.mul(words["k"], item)),
        "bias": advanced("bias", item),
        "ahead": builder.select(asked, ahead, words["a"]),  # what was just read costs nothing
        "ahead_step": builder.select(asked, words["ahead_step"], code.word(0)),
    }


class Kernels:
    """Writes into an LLVM module the kernels of one element type, each a function of its own behind one switch."""

    def __init__(self, code: Code, registers: Registers) -> None:
        self._code = code
        self._registers = registers

    def choice(self, kind: Kind) -> Any:
        """The function of :data:`PARAMETERS` that hands them on to the kernel of its rows and lanes."""
        code, registers = self._code, self._registers
        name = f"pointwise_{kind}_f{8 * code.item}"
        if (written := code.module.globals.get(name)) is not None:
            return written
        # Pixels in less than a whole vector are left to the other kind, which wastes no lanes on them.
        unit = registers.half if kind == "channels" else registers.lanes
        stride = registers.vectors(1) * registers.lanes // unit + 1
        cases = {
            rows * stride + lanes // unit: self._kernel(f"{name}_{rows}x{lanes}", kind, rows, lanes)
            for rows in range(1, (STREAMED_ROWS if kind == "more" else registers.rows) + 1)
            for lanes in ([registers.vectors(rows) * registers.lanes] if kind == "more" else self._widths(rows, unit))
        }

        def key(builder: Any, words: Sequence[Any]) -> Any:
            return builder.add(builder.mul(words[0], code.word(stride)), builder.udiv(words[1], code.word(unit)))

        return code.switch(name, len(PARAMETERS), key, cases)

    def _widths(self, rows: int, unit: int) -> list[int]:
        """Lanes that a tile of so many rows may have: multiples of ``unit``, and of a vector where they are many."""
        registers = self._registers
        usual = min(registers.vectors(rows), USUAL_VECTORS) * registers.lanes
        wider = range(usual + registers.lanes, registers.vectors(rows) * registers.lanes + 1, registers.lanes)
        return [*range(unit, usual + 1, unit), *wider]

    def _kernel(self, name: str, kind: Kind, rows: int, lanes: int) -> Any:
        code = self._code
        function, builder = code.function(name, len(PARAMETERS))
        words = dict(zip(PARAMETERS, function.args, strict=True))
        if kind != "channels":  # known here because weights are packed for it: strides that are constants cost nothing
            words |= {"a_row": code.word(code.item), "a_step": code.word(rows * code.item)}
        else:
            words |= {"b_step": code.word(lanes * code.item)}

        def panel(number: Any, _: list[Any]) -> tuple[()]:
            here = panel_words(code, builder, kind, rows, words, number)
            tile = _Tile(code, builder, kind, rows, self._vectors(lanes), here)
            tile.ask_for_result()
            tile.store(tile.finish(tile.sums()), lanes)
            return ()

        code.loop(builder, words["panels"], panel)
        builder.ret_void()
        return function

    def _vectors(self, lanes: int) -> list[tuple[int, Any]]:
        """The vectors of a row, as byte offset and type: whole registers, then half of one."""
        whole = self._registers.lanes
        starts = range(0, lanes, whole)
        return [(start * self._code.item, self._code.vector(min(whole, lanes - start))) for start in starts]


class _Tile:
    """One kernel while it is written."""

    def __init__(
        self, code: Code, builder: Any, kind: Kind, rows: int, vectors: list[tuple[int, Any]], words: dict[str, Any]
    ) -> None:
        self._code = code
        self._builder = builder
        self._kind = kind
        self._rows = rows
        self._vectors = vectors
        self._words = words

    def ask_for_result(self) -> None:
        """The lines that will be written, before the work begins: else the stores at its end wait for them."""
        code, builder, words = self._code, self._builder, self._words
        for row in range(self._rows):
            start = self._row(words["c"], words["c_row"], row)
            for offset, _ in self._vectors:
                code.prefetch(builder, start, offset, to_write=True)

    def sums(self) -> list[list[Any]]:
        """The loop over k. The bias comes last: so it adds one rounding, not K."""
        code, builder, words = self._code, self._builder, self._words
        start = [code.ir.Constant(vector, None) for _ in range(self._rows) for _, vector in self._vectors]
        if self._kind == "more":
            start = self._result()
        offsets = [builder.mul(words["a_row"], code.word(row)) for row in range(self._rows)]

        def step(index: Any, sums: list[Any]) -> list[Any]:
            a = builder.add(words["a"], builder.mul(index, words["a_step"]))
            b = builder.add(words["b"], builder.mul(index, words["b_step"]))
            parts = [code.load(builder, vector, b, offset) for offset, vector in self._vectors]
            if self._kind != "channels":
                ahead = builder.add(words["ahead"], builder.mul(index, words["ahead_step"]))
                for place in range(len(self._vectors)):
                    code.prefetch(builder, builder.add(ahead, builder.mul(code.word(place), words["ahead_line"])))
            values = [code.load(builder, code.element, builder.add(a, offset)) for offset in offsets]
            products = [(value, part) for value in values for part in parts]
            return [
                code.multiply_add(builder, code.broadcast(builder, value, part.type), part, total)
                for (value, part), total in zip(products, sums, strict=True)
            ]

        flat = code.loop(builder, words["k"], step, start)
        width = len(self._vectors)
        return [flat[row * width : (row + 1) * width] for row in range(self._rows)]

    def _result(self) -> list[Any]:
        """What the tile of the result holds, or zeros where that is not a beginning of the sums."""
        code, builder, words = self._code, self._builder, self._words
        begun = builder.icmp_unsigned("!=", words["begun"], code.word(0))
        starts = [self._row(words["c"], words["c_row"], row) for row in range(self._rows)]
        return [
            builder.select(begun, code.load(builder, vector, start, offset), code.ir.Constant(vector, None))
            for start in starts
            for offset, vector in self._vectors
        ]

    def _row(self, address: Any, stride: Any, row: int) -> Any:
        """Where a row begins."""
        return self._builder.add(address, self._builder.mul(stride, self._code.word(row)))

    def finish(self, sums: list[list[Any]]) -> list[list[Any]]:
        """Bias and ReLU while the sums are in registers. NaN stays: it is not less than anything."""
        code, builder = self._code, self._builder
        element = lowest(code, builder, self._words["relu"])

        def finished(total: Any, row: int, offset: int) -> Any:
            total = builder.fadd(total, self._bias(total.type, row, offset))
            least = code.broadcast(builder, element, total.type)
            return builder.select(builder.fcmp_ordered("<", total, least), least, total)

        return [
            [finished(total, row, offset) for total, (offset, _) in zip(line, self._vectors, strict=True)]
            for row, line in enumerate(sums)
        ]

    def _bias(self, vector: Any, row: int, offset: int) -> Any:
        code, builder, bias = self._code, self._builder, self._words["bias"]
        if self._kind == "channels":
            return code.load(builder, vector, bias, offset)
        return code.broadcast(builder, code.load(builder, code.element, bias, row * code.item), vector)

    def store(self, tile: list[list[Any]], lanes: int) -> None:
        """Whole vectors where the lanes are neighbours in the result and all of them exist, else one by one."""
        code, builder, words = self._code, self._builder, self._words
        if self._kind != "channels":
            self._store_vectors(tile, words["c"], words["c_row"])
            return
        neighbours = builder.icmp_unsigned("==", words["c_lane"], code.word(code.item))
        all_exist = builder.icmp_unsigned("==", words["valid"], code.word(lanes))
        with builder.if_else(builder.and_(neighbours, all_exist)) as (then, otherwise):
            with then:
                self._store_vectors(tile, words["c"], words["c_row"])
            with otherwise:
                self._store_elements(tile, lanes)

    def _store_vectors(self, tile: list[list[Any]], address: Any, stride: Any) -> None:
        code, builder = self._code, self._builder
        for row, line in enumerate(tile):
            start = self._row(address, stride, row)
            for total, (offset, _) in zip(line, self._vectors, strict=True):
                code.store(builder, total, start, offset)

    def _store_elements(self, tile: list[list[Any]], lanes: int) -> None:
        """By way of the stack. The rows of a lane go together: pixels are neighbours in NCHW."""
        code, builder, words = self._code, self._builder, self._words
        with builder.goto_entry_block():
            buffer = builder.alloca(code.ir.ArrayType(code.element, self._rows * lanes))
            buffer.align = CACHE_LINE
        stack = builder.ptrtoint(buffer, code.word)
        self._store_vectors(tile, stack, code.word(lanes * code.item))

        def copy(lane: Any, _: list[Any]) -> tuple[()]:
            source = builder.add(stack, builder.mul(lane, code.word(code.item)))
            target = builder.add(words["c"], builder.mul(lane, words["c_lane"]))
            for row in range(self._rows):
                value = code.load(builder, code.element, source, row * lanes * code.item)
                code.store(builder, value, builder.add(target, builder.mul(words["c_row"], code.word(row))))
            return ()

        code.loop(builder, words["valid"], copy)
