"""What numba's code may call: kernels and copies by their addresses, and whatever else lies at one."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pointwise_bench.backends._microkernel.kernels.llvm import WORD, Code
from pointwise_bench.backends._microkernel.kernels.numbering import Kind, places
from pointwise_bench.backends._microkernel.kernels.registers import of_this_host
from pointwise_bench.backends._microkernel.kernels.words import PARAMETERS, TAKEN


def _by_address(kind: Kind) -> Any:
    """An intrinsic ``f(like, kernels, *words)`` that calls a kernel whose address is in the table ``kernels``.

    ``like`` points to the kernel's elements. Of ``words.PARAMETERS`` a kernel gets those that its kind takes.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def call(typing_context: Any, like: Any, kernels: Any, *words: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            code = Code(builder.module, like.dtype.bitwidth // 8)
            given = [builder.extract_value(arguments[2], place) for place in range(len(words))]
            at = places(kind, of_this_host(code.item))
            if kind in TAKEN:
                named = dict(zip(PARAMETERS, given, strict=True))
                rows, lanes, given = named["rows"], named["lanes"], [named[word] for word in TAKEN[kind]]
            else:
                rows, lanes = code.word(0), given[4] if kind == "copy" else code.word(0)
            number = builder.add(builder.mul(rows, code.word(at.stride)), builder.udiv(lanes, code.word(at.unit)))
            place = builder.mul(builder.add(number, code.word(at.first)), code.word(WORD))
            function = ir.FunctionType(ir.VoidType(), [code.word] * len(given))
            address = code.load(builder, code.word, builder.add(arguments[1], place))
            builder.call(builder.inttoptr(address, function.as_pointer()), given)
            return context.get_dummy_value()

        return types.void(like, kernels, types.StarArgTuple([types.int64] * len(words))), generate

    return call


pixels = _by_address("pixels")
more = _by_address("more")
channels = _by_address("channels")
rest = _by_address("rest")
dots = _by_address("dots")
copy = _by_address("copy")
gather = _by_address("gather")


@intrinsic  # type: ignore[untyped-decorator]
def address(typing_context: Any, pointer: Any) -> Any:
    """A pointer as a word."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], context.get_value_type(types.int64))

    return types.int64(pointer), generate


@intrinsic  # type: ignore[untyped-decorator]
def item(typing_context: Any, pointer: Any) -> Any:
    """Bytes of what a pointer points to."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.get_constant(types.int64, pointer.dtype.bitwidth // 8)

    return types.int64(pointer), generate


@intrinsic  # type: ignore[untyped-decorator]
def call(typing_context: Any, function: Any, x: Any, y: Any, plan: Any, part: Any) -> Any:
    """Calls the function of four words that lies at an address."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = arguments[0].type
        kind = ir.FunctionType(ir.VoidType(), [word] * 4)
        builder.call(builder.inttoptr(arguments[0], kind.as_pointer()), arguments[1:])
        return context.get_dummy_value()

    return types.void(*[types.int64] * 5), generate
