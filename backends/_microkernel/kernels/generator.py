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

from typing import Any

from pointwise_bench.backends._microkernel.kernels.llvm import Code
from pointwise_bench.backends._microkernel.kernels.registers import Registers
from pointwise_bench.backends._microkernel.kernels.smooth import smooth
from pointwise_bench.backends._microkernel.kernels.tile import Tile, written_in_vectors
from pointwise_bench.backends._microkernel.kernels.words import WordKind, for_each_tile, function_of_words


class Kernels:
    """Writes into an LLVM module kernels of one element type, each a function of its own."""

    def __init__(self, code: Code, registers: Registers) -> None:
        self._code = code
        self._registers = registers

    def write(self, name: str, kind: WordKind, rows: int, lanes: int) -> Any:
        """The kernel of so many rows and lanes, a function of those words that its kind takes."""
        code = self._code
        function, builder, words = function_of_words(code, name, kind)
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
        smooth(code, builder, words["activation"], words["c"], words["c_row"], *sizes)

    def _vectors(self, lanes: int) -> list[tuple[int, Any]]:
        """The vectors of a row, as byte offset and type: whole registers, then half of one."""
        whole = self._registers.lanes
        starts = range(0, lanes, whole)
        return [(start * self._code.item, self._code.vector(min(whole, lanes - start))) for start in starts]
