"""One tile of the result while its code is written: the loop over the channels, and what happens at its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pointwise_bench.backends._microkernel.blocking import CHAINS
from pointwise_bench.backends._microkernel.kernels.llvm import CACHE_LINE, Code
from pointwise_bench.backends._microkernel.kernels.registers import Registers
from pointwise_bench.backends._microkernel.kernels.smooth import SHORT, smooth
from pointwise_bench.backends._microkernel.kernels.words import WordKind, lowest


def written_in_vectors(code: Code, builder: Any, words: dict[str, Any], lanes: int) -> Any:
    """Whether the lanes of a tile are neighbours in the result, and all of them exist."""
    neighbours = builder.icmp_unsigned("==", words["c_lane"], code.word(code.item))
    all_exist = builder.icmp_unsigned("==", words["valid"], code.word(lanes))
    return builder.and_(neighbours, all_exist)


class Tile:
    """A tile of ``rows`` rows and of ``vectors``, each a byte offset and a type; ``registers`` hold its sums."""

    def __init__(
        self,
        code: Code,
        builder: Any,
        kind: WordKind,
        rows: int,
        vectors: list[tuple[int, Any]],
        words: dict[str, Any],
        registers: Registers,
    ) -> None:
        self._code = code
        self._builder = builder
        self._kind = kind
        self._rows = rows
        self._vectors = vectors
        self._words = words
        chains = rows * len(vectors)
        self._abreast = max(1, min(-(-CHAINS // chains), registers.sums // chains))

    def ask_for_result(self) -> None:
        """The lines that will be written, before the work begins: else the stores at its end wait for them."""
        code, builder, words = self._code, self._builder, self._words
        if self._kind == "rest":  # its lanes lie a plane apart
            return
        for row in range(self._rows):
            start = self._row(words["c"], words["c_row"], row)
            for offset, _ in self._vectors:
                code.prefetch(builder, start, offset, to_write=True)

    def sums(self) -> list[list[Any]]:
        """The loop over k. The bias comes last: so it adds one rounding, not K.

        A multiply-add takes four cycles and two begin in each. A tile that has too few sums to fill them has each
        sum several times, takes as many steps at once, and adds up at the end.
        """
        code, builder, words = self._code, self._builder, self._words
        chains = self._rows * len(self._vectors)
        nothing = [code.ir.Constant(vector, None) for _ in range(self._rows) for _, vector in self._vectors]
        start = self._result() if self._kind == "more" else nothing
        offsets = [builder.mul(words["a_row"], code.word(row)) for row in range(self._rows)]
        abreast = code.word(self._abreast)

        def steps(index: Any, sums: list[Any]) -> list[Any]:
            first = builder.mul(index, abreast)
            return [
                total
                for place in range(self._abreast)
                for total in self._step(
                    builder.add(first, code.word(place)), offsets, sums[place * chains : (place + 1) * chains]
                )
            ]

        turns = builder.udiv(words["k"], abreast)
        sums = code.loop(builder, turns, steps, start + nothing * (self._abreast - 1))
        flat = sums[:chains]
        for place in range(1, self._abreast):
            more = sums[place * chains : (place + 1) * chains]
            flat = [builder.fadd(one, other) for one, other in zip(flat, more, strict=True)]
        if self._abreast > 1:
            done = builder.mul(turns, abreast)
            left = builder.sub(words["k"], done)
            flat = code.loop(
                builder, left, lambda index, sums: self._step(builder.add(done, index), offsets, sums), flat
            )
        width = len(self._vectors)
        return [flat[row * width : (row + 1) * width] for row in range(self._rows)]

    def _step(self, index: Any, offsets: Sequence[Any], sums: Sequence[Any]) -> list[Any]:
        """One channel: every row's element times every vector."""
        code, builder, words = self._code, self._builder, self._words
        a = builder.add(words["a"], builder.mul(index, words["a_step"]))
        b = builder.add(words["b"], builder.mul(index, words["b_step"]))
        parts = [code.load(builder, vector, b, offset) for offset, vector in self._vectors]
        if self._kind in ("pixels", "more"):
            ahead = builder.add(words["ahead"], builder.mul(index, words["ahead_step"]))
            for place in range(len(self._vectors)):
                code.prefetch(builder, builder.add(ahead, builder.mul(code.word(place), words["ahead_line"])))
        values = [code.load(builder, code.element, builder.add(a, offset)) for offset in offsets]
        products = [(value, part) for value in values for part in parts]
        return [
            code.multiply_add(builder, code.broadcast(builder, value, part.type), part, total)
            for (value, part), total in zip(products, sums, strict=True)
        ]

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

    def finish(self, sums: list[list[Any]], lanes: int) -> list[list[Any]]:
        """Bias, residual and the shorter activations while the sums are in registers. NaN is not less than anything."""
        code, builder = self._code, self._builder
        element = lowest(code, builder, self._words["activation"])

        def cut_off(total: Any) -> Any:
            least = code.broadcast(builder, element, total.type)
            return builder.select(builder.fcmp_ordered("<", total, least), least, total)

        flat = [
            builder.fadd(total, self._bias(total.type, row, offset))
            for row, line in enumerate(sums)
            for total, (offset, _) in zip(line, self._vectors, strict=True)
        ]
        flat = self._activated(list(map(cut_off, self._added(flat, lanes))))
        width = len(self._vectors)
        return [flat[row * width : (row + 1) * width] for row in range(self._rows)]

    def _added(self, values: list[Any], lanes: int) -> list[Any]:
        """A residual, behind a jump: who has none reads nothing, and there is one kernel for both."""
        code, builder = self._code, self._builder

        def add() -> list[Any]:
            start, stride = self._residual(lanes)
            starts = [self._row(start, stride, row) for row in range(self._rows)]
            parts = [code.load(builder, vector, line, offset) for line in starts for offset, vector in self._vectors]
            return [builder.fadd(value, part) for value, part in zip(values, parts, strict=True)]

        return code.unless_zero(builder, self._words["other"], values, add)

    def _residual(self, lanes: int) -> tuple[Any, Any]:
        """Where it lies in vectors, and how far apart its rows: as the result, or on the stack if that has none."""
        code, builder, words = self._code, self._builder, self._words
        place = builder.add(words["c"], words["other"])
        if self._kind in ("pixels", "more"):
            return place, words["c_row"]
        stack, stride = self._stack(lanes), code.word(lanes * code.item)

        def spread() -> None:
            given = (place, words["c_row"], words["c_lane"], stack, stride, code.word(self._rows), words["valid"])
            builder.call(spreading(code), given)

        if self._kind == "rest":
            spread()
            return stack, stride
        neighbours = written_in_vectors(code, builder, words, lanes)
        with builder.if_then(builder.not_(neighbours)):
            spread()
        return builder.select(neighbours, place, stack), builder.select(neighbours, words["c_row"], stride)

    def _activated(self, values: list[Any]) -> list[Any]:
        """ReLU6, whose lower end is there already, and hard-swish; behind a jump, so that others do not wait for it."""
        code, builder = self._code, self._builder
        before, after = builder.block, builder.append_basic_block("activated")
        chosen = builder.switch(self._words["activation"], after)
        came = {before: values}
        for number, way in SHORT.items():
            block = builder.append_basic_block("activate")
            chosen.add_case(code.word(number), block)
            builder.position_at_end(block)
            came[block] = [way(code, builder, value) for value in values]
            builder.branch(after)
        builder.position_at_end(after)
        results = []
        for place, value in enumerate(values):
            phi = builder.phi(value.type)
            for block, found in came.items():
                phi.add_incoming(found[place], block)
            results.append(phi)
        return results

    def _bias(self, vector: Any, row: int, offset: int) -> Any:
        code, builder, bias = self._code, self._builder, self._words["bias"]
        if self._kind in ("channels", "rest"):
            return code.load(builder, vector, bias, offset)
        return code.broadcast(builder, code.load(builder, code.element, bias, row * code.item), vector)

    def store(self, tile: list[list[Any]], lanes: int) -> None:
        """Whole vectors where the lanes are neighbours in the result and all of them exist, else one by one."""
        code, builder, words = self._code, self._builder, self._words
        if self._kind in ("pixels", "more"):
            self._store_vectors(tile, words["c"], words["c_row"])
            return
        if self._kind == "rest":
            self._store_elements(tile, lanes)
            return
        with builder.if_else(written_in_vectors(code, builder, words, lanes)) as (then, otherwise):
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
        stack = self._stack(lanes)
        self._store_vectors(tile, stack, code.word(lanes * code.item))
        smooth(code, builder, words["activation"], stack, code.word(0), code.word(1), code.word(self._rows * lanes))

        def copy(lane: Any, _: list[Any]) -> tuple[()]:
            source = builder.add(stack, builder.mul(lane, code.word(code.item)))
            target = builder.add(words["c"], builder.mul(lane, words["c_lane"]))
            for row in range(self._rows):
                value = code.load(builder, code.element, source, row * lanes * code.item)
                code.store(builder, value, builder.add(target, builder.mul(words["c_row"], code.word(row))))
            return ()

        code.loop(builder, words["valid"], copy)

    def _stack(self, lanes: int) -> Any:
        """Room for the tile."""
        code, builder = self._code, self._builder
        with builder.goto_entry_block():
            buffer = builder.alloca(code.ir.ArrayType(code.element, self._rows * lanes))
            buffer.align = CACHE_LINE
        return builder.ptrtoint(buffer, code.word)


def spreading(code: Code) -> Any:
    """The function ``(from, row, lane, to, row there, rows, lanes)``: elements brought side by side; all in bytes."""
    name = f"pointwise_spreading_f{8 * code.item}"
    if (written := code.module.globals.get(name)) is not None:
        return written
    function, builder, (source, row, lane, target, target_row, rows, lanes) = code.function(name, 7)

    def one_row(_: Any, at: list[Any]) -> list[Any]:
        def one(_: Any, places: list[Any]) -> list[Any]:
            code.store(builder, code.load(builder, code.element, places[0]), places[1])
            return [builder.add(places[0], lane), builder.add(places[1], code.word(code.item))]

        code.loop(builder, lanes, one, at)
        return [builder.add(at[0], row), builder.add(at[1], target_row)]

    code.loop(builder, rows, one_row, [source, target])
    builder.ret_void()
    return function
