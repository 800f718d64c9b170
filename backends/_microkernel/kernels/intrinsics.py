"""What numba's code may call: the kernels and the copies of LLVM code, and addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from pointwise_bench.backends._microkernel.kernels.dots import Dots
from pointwise_bench.backends._microkernel.kernels.generator import Kernels
from pointwise_bench.backends._microkernel.kernels.llvm import Code
from pointwise_bench.backends._microkernel.kernels.packing import Copies
from pointwise_bench.backends._microkernel.kernels.registers import of_this_host


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


pixels = _written(lambda code: Kernels(code, of_this_host(code.item)).choice("pixels"))
more = _written(lambda code: Kernels(code, of_this_host(code.item)).choice("more"))
channels = _written(lambda code: Kernels(code, of_this_host(code.item)).choice("channels"))
dots = _written(lambda code: Dots(code, of_this_host(code.item)).choice())
rest = _written(lambda code: Kernels(code, of_this_host(code.item)).choice("rest"))
copy = _written(lambda code: Copies(code, of_this_host(code.item)).vectors())
gather = _written(lambda code: Copies(code, of_this_host(code.item)).elements())


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
