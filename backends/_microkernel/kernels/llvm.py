"""A little grammar over llvmlite: loops that carry registers, loads and stores at an address plus an offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

WORD: Final = 8  # bytes
CACHE_LINE: Final = 64


class Code:
    """LLVM code for arrays of one element type. Addresses, strides and counts are 64-bit integers, in bytes."""

    def __init__(self, module: Any, item: int) -> None:
        from llvmlite import ir

        self.ir = ir
        self.module = module
        self.item = item
        self.element = {4: ir.FloatType, 8: ir.DoubleType}[item]()
        self.word = ir.IntType(8 * WORD)
        self._pointer = ir.PointerType()

    def function(self, name: str, parameters: int) -> tuple[Any, Any, list[Any]]:
        """A function of so many words, private to the module; a builder at its beginning, and the words."""
        ir = self.ir
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [self.word] * parameters), name)
        function.linkage = "internal"
        # A residual whose elements lie apart is seldom, and its loop would stand in every kernel.
        function.attributes.add("noinline")
        builder = ir.IRBuilder(function.append_basic_block("entry"))
        return function, builder, function.args

    def vector(self, lanes: int) -> Any:
        """The type of so many elements side by side."""
        return self.ir.VectorType(self.element, lanes)

    def loop(
        self,
        builder: Any,
        count: Any,
        body: Callable[[Any, list[Any]], Sequence[Any]],
        start: Sequence[Any] = (),
    ) -> list[Any]:
        """``for index in range(count)``: ``body(index, carried)`` gives what the next turn, or the end, gets."""
        before = builder.block
        head, inside, after = (builder.append_basic_block(name) for name in ("head", "body", "after"))
        builder.branch(head)
        builder.position_at_end(head)
        index = builder.phi(self.word)
        carried = [builder.phi(value.type) for value in start]
        builder.cbranch(builder.icmp_unsigned("<", index, count), inside, after)
        builder.position_at_end(inside)
        results = body(index, carried)
        following = builder.add(index, self.word(1))
        back = builder.block
        builder.branch(head)
        for phi, first, later in zip((index, *carried), (self.word(0), *start), (following, *results), strict=True):
            phi.add_incoming(first, before)
            phi.add_incoming(later, back)
        builder.position_at_end(after)
        return carried

    def unless_zero(
        self, builder: Any, word: Any, values: Sequence[Any], other: Callable[[], Sequence[Any]]
    ) -> list[Any]:
        """``values`` where ``word`` is zero, else what ``other`` gives, whose code is jumped over."""
        before, inside, after = (builder.block, *(builder.append_basic_block(name) for name in ("other", "both")))
        builder.cbranch(builder.icmp_unsigned("!=", word, self.word(0)), inside, after)
        builder.position_at_end(inside)
        found = other()
        came = builder.block
        builder.branch(after)
        builder.position_at_end(after)
        results = [builder.phi(value.type) for value in values]
        for phi, value, changed in zip(results, values, found, strict=True):
            phi.add_incoming(value, before)
            phi.add_incoming(changed, came)
        return results

    def load(self, builder: Any, kind: Any, address: Any, offset: int = 0) -> Any:
        """A value or a vector; aligned to an element and no more, because nothing is known of the caller's arrays."""
        value = builder.load(self._at(builder, address, offset), typ=kind)
        value.align = self.item
        return value

    def store(self, builder: Any, value: Any, address: Any, offset: int = 0) -> None:
        """The opposite of :meth:`load`."""
        builder.store(value, self._at(builder, address, offset), align=self.item)

    def prefetch(self, builder: Any, address: Any, offset: int = 0, *, to_write: bool = False) -> None:
        """Ask for the cache line at an address, which need not exist."""
        ir = self.ir
        flag = ir.IntType(32)
        function = self._intrinsic("llvm.prefetch.p0", ir.VoidType(), [self._pointer, flag, flag, flag])
        builder.call(function, [self._at(builder, address, offset), flag(int(to_write)), flag(3), flag(1)])

    def _at(self, builder: Any, address: Any, offset: int) -> Any:
        return builder.inttoptr(builder.add(address, self.word(offset)) if offset else address, self._pointer)

    def broadcast(self, builder: Any, value: Any, vector: Any) -> Any:
        """``value`` in every lane."""
        ir = self.ir
        nothing = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(nothing, value, ir.IntType(32)(0))
        return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None))

    def chosen(self, builder: Any, one: Any, other: Any, places: Sequence[int]) -> Any:
        """The elements at ``places`` of two vectors of one type, which are counted through."""
        ir = self.ir
        return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), len(places)), list(places)))

    def multiply_add(self, builder: Any, a: Any, b: Any, c: Any) -> Any:
        """``a * b + c``: one fused instruction where the processor has it, two where it has not."""
        kind = a.type
        name = f"llvm.fmuladd.{self._suffix(kind)}"
        return builder.call(self._intrinsic(name, kind, [kind] * 3), [a, b, c])

    def total(self, builder: Any, vector: Any, start: Any) -> Any:
        """``start`` and all elements of a vector, added up in whatever order is fastest."""
        name = f"llvm.vector.reduce.fadd.{self._suffix(vector.type)}"
        function = self._intrinsic(name, self.element, [self.element, vector.type])
        return builder.call(function, [start, vector], fastmath=("reassoc",))

    def _intrinsic(self, name: str, result: Any, parameters: Sequence[Any]) -> Any:
        """One of LLVM's own functions, declared in the module once."""
        function = self.module.globals.get(name)
        if function is None:
            function = self.ir.Function(self.module, self.ir.FunctionType(result, parameters), name)
        return function

    def _suffix(self, kind: Any) -> str:
        """How LLVM names an element or a vector of them in an intrinsic's name."""
        lanes = f"v{kind.count}" if isinstance(kind, self.ir.VectorType) else ""
        return f"{lanes}f{8 * self.item}"
