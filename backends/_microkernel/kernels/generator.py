"""The register kernels: LLVM code for one tile of the result, in registers from the first channel to the last.

A kernel computes a tile of ``rows`` x ``lanes`` elements::

    c[i, j] = max(lowest, residual[i, j] + bias[i or j] + sum_k a[k, i] * b[k, j])        0 <= i < rows, 0 <= j < lanes

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
from typing import Any

from pointwise_bench.backends._microkernel.kernels.llvm import Code
from pointwise_bench.backends._microkernel.kernels.registers import STREAMED_ROWS, USUAL_VECTORS, Registers
from pointwise_bench.backends._microkernel.kernels.smooth import Smooth
from pointwise_bench.backends._microkernel.kernels.tile import Tile, written_in_vectors
from pointwise_bench.backends._microkernel.kernels.words import PARAMETERS, WordKind, for_each_tile


class Kernels:
    """Writes into an LLVM module the kernels of one element type, each a function of its own behind one switch."""

    def __init__(self, code: Code, registers: Registers) -> None:
        self._code = code
        self._registers = registers

    def choice(self, kind: WordKind) -> Any:
        """The function of :data:`PARAMETERS` that hands them on to the kernel of its rows and lanes."""
        code, registers = self._code, self._registers
        name = f"pointwise_{kind}_f{8 * code.item}"
        if (written := code.module.globals.get(name)) is not None:
            return written
        # Pixels in less than a whole vector are left to the other kinds, which waste fewer lanes on them.
        unit = registers.half if kind in ("channels", "rest") else registers.lanes
        stride = registers.vectors(1) * registers.lanes // unit + 1
        most = {"more": STREAMED_ROWS, "rest": registers.most_rest}.get(kind, registers.rows)
        cases = {
            rows * stride + lanes // unit: self._kernel(f"{name}_{rows}x{lanes}", kind, rows, lanes)
            for rows in range(1, most + 1)
            for lanes in self._widths(kind, rows, unit)
        }

        def key(builder: Any, words: Sequence[Any]) -> Any:
            return builder.add(builder.mul(words[0], code.word(stride)), builder.udiv(words[1], code.word(unit)))

        return code.switch(name, len(PARAMETERS), key, cases)

    def _widths(self, kind: WordKind, rows: int, unit: int) -> list[int]:
        """Lanes that a tile of so many rows may have: multiples of ``unit``, and of a vector where they are many."""
        registers = self._registers
        if kind == "more":
            return [registers.vectors(rows) * registers.lanes]
        if kind == "rest":  # as many as the highest panel has rows, and a half less
            return list(range(unit, registers.rows + unit, unit))
        usual = min(registers.vectors(rows), USUAL_VECTORS) * registers.lanes
        wider = range(usual + registers.lanes, registers.vectors(rows) * registers.lanes + 1, registers.lanes)
        return [*range(unit, usual + 1, unit), *wider]

    def _kernel(self, name: str, kind: WordKind, rows: int, lanes: int) -> Any:
        code = self._code
        function, builder, given = code.function(name, len(PARAMETERS))
        words = dict(zip(PARAMETERS, given, strict=True))
        # Known here because weights, and rests, are packed for it: strides that are constants cost nothing.
        if kind != "channels":
            words |= {"a_row": code.word(code.item), "a_step": code.word(rows * code.item)}
        else:
            words |= {"b_step": code.word(lanes * code.item)}

        def write(here: dict[str, Any]) -> None:
            tile = Tile(code, builder, kind, rows, self._vectors(lanes), here, self._registers)
            tile.ask_for_result()
            tile.store(tile.finish(tile.sums(), lanes), lanes)

        for_each_tile(code, builder, words, write)
        if kind == "channels":
            with builder.if_then(written_in_vectors(code, builder, words, lanes)):
                self._smooth_all(builder, words, rows, lanes)
        elif kind != "rest":  # whose lanes lie apart
            self._smooth_all(builder, words, rows, lanes)
        builder.ret_void()
        return function

    def _smooth_all(self, builder: Any, words: dict[str, Any], rows: int, lanes: int) -> None:
        """What kernels do not compute, over all tiles of the call: they lie behind or beside one another."""
        code, count = self._code, words["count"]
        beside = builder.icmp_unsigned("==", words["c_next"], code.word(lanes * code.item))
        many = builder.mul(count, code.word(rows)), builder.mul(count, code.word(lanes))
        sizes = [
            builder.select(beside, code.word(rows), many[0]),
            builder.select(beside, many[1], code.word(lanes)),
        ]
        Smooth(code, self._registers).over(builder, words["activation"], words["c"], words["c_row"], *sizes)

    def _vectors(self, lanes: int) -> list[tuple[int, Any]]:
        """The vectors of a row, as byte offset and type: whole registers, then half of one."""
        whole = self._registers.lanes
        starts = range(0, lanes, whole)
        return [(start * self._code.item, self._code.vector(min(whole, lanes - start))) for start in starts]
