"""The micro-kernel behind the FMA peak: chains of fused multiply-adds that never leave the registers.

LLVM's vector types through numba's ``intrinsic``. Plain loops will not do: LLVM prefers half-width vectors on AVX-512
processors and would report half of what the machine can do.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final

LANE_BYTES: Final = (16, 32, 64)
"""Vector widths to try. One that the processor lacks is split into narrower ones: the result is right, and slower."""

CHAINS: Final = 12  # latency 4 x two units needs 8 chains in flight; with two operands 12 fit sixteen registers


@cache
def fma_kernel(dtype: str, width: int) -> tuple[Callable[[int, Any], Any], int]:
    """A compiled ``kernel(iterations, seed)`` that releases the GIL, and its floating-point operations per iteration.

    Each chain computes ``x = x * seed + seed / 2``, which tends to ``seed`` for a seed of 0.5. ``width`` in bytes.
    """
    from numba import njit, types
    from numba.extending import intrinsic

    scalar = getattr(types, dtype)
    lanes = width // (scalar.bitwidth // 8)

    @intrinsic  # type: ignore[untyped-decorator]
    def chains(typing_context: Any, iterations: Any, seed: Any) -> Any:
        return scalar(types.int64, scalar), _chains_code(dtype, lanes)

    @njit(nogil=True)  # type: ignore[untyped-decorator]
    def kernel(iterations: int, seed: Any) -> Any:
        return chains(iterations, seed)

    return kernel, 2 * CHAINS * lanes


def _chains_code(dtype: str, lanes: int) -> Callable[..., Any]:
    """The code generator: one loop whose body is :data:`CHAINS` independent vector multiply-adds."""
    from llvmlite import ir

    element = ir.FloatType() if dtype == "float32" else ir.DoubleType()
    vector = ir.VectorType(element, lanes)
    index = ir.IntType(64)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        iterations, seed = arguments
        factor = _broadcast(builder, vector, seed)
        addend = _broadcast(builder, vector, builder.fmul(seed, ir.Constant(element, 0.5)))
        entry = builder.block
        loop, done = builder.append_basic_block("loop"), builder.append_basic_block("done")
        builder.branch(loop)

        builder.position_at_end(loop)
        iteration = builder.phi(index)
        values = [builder.phi(vector) for _ in range(CHAINS)]
        next_values = [_multiply_add(builder, vector, value, factor, addend) for value in values]
        next_iteration = builder.add(iteration, ir.Constant(index, 1))
        iteration.add_incoming(ir.Constant(index, 0), entry)
        iteration.add_incoming(next_iteration, loop)
        for number, (value, next_value) in enumerate(zip(values, next_values, strict=True)):
            value.add_incoming(ir.Constant(vector, [float(number)] * lanes), entry)
            value.add_incoming(next_value, loop)
        builder.cbranch(builder.icmp_signed("<", next_iteration, iterations), loop, done)

        # Summed and returned, so that no chain can be optimised away.
        builder.position_at_end(done)
        total = next_values[0]
        for value in next_values[1:]:
            total = builder.fadd(total, value)
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return generate


def _broadcast(builder: Any, vector: Any, scalar: Any) -> Any:
    from llvmlite import ir

    nothing = ir.Constant(vector, ir.Undefined)
    zero = ir.Constant(ir.IntType(32), 0)
    first = builder.insert_element(nothing, scalar, zero)
    return builder.shuffle_vector(first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None))


def _multiply_add(builder: Any, vector: Any, value: Any, factor: Any, addend: Any) -> Any:
    """Fused where the processor does so; elsewhere ``llvm.fma`` would be a library call and far below the peak."""
    from llvmlite import ir

    if not processor_fuses():
        return builder.fadd(builder.fmul(value, factor), addend)
    suffix = "f32" if isinstance(vector.element, ir.FloatType) else "f64"
    name = f"llvm.fma.v{vector.count}{suffix}"
    declared = builder.module.globals.get(name)
    fma = declared or ir.Function(builder.module, ir.FunctionType(vector, [vector] * 3), name)
    return builder.call(fma, [value, factor, addend])


def processor_fuses() -> bool:
    """Whether the processor has fused multiply-add: an option of x86, always there on 64-bit ARM."""
    from llvmlite import binding

    features = binding.get_host_cpu_features()
    return bool(features.get("fma", "sse2" not in features))
