"""numba-microkernel's kernels against the formula, for every processor: right, and touching nothing else."""

from __future__ import annotations

import ctypes
import itertools
import math
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from guarded_memory import Guarded
from llvmlite import binding
from vector_hosts import AVX2, AVX512

from pointwise_bench.backends._microkernel.kernels.numbering import (
    KernelName,
    kernels_of_kind,
)
from pointwise_bench.backends._microkernel.kernels.objects import kernel_name, module_of
from pointwise_bench.backends._microkernel.kernels.registers import (
    DOT_LANES,
    STREAMED_ROWS,
    USUAL_VECTORS,
    Registers,
)
from pointwise_bench.backends._microkernel.kernels.words import (
    GELU,
    HARDSWISH,
    NONE,
    RELU,
    RELU6,
    SILU,
    SINGLE,
    SMOOTH,
    TAKEN,
    WordKind,
)


class Functions:
    """All kernels of every kind for the given registers, as functions of ``words.PARAMETERS``."""

    def __init__(self, engine: Any, registers: Registers, item: int) -> None:
        self._engine = engine
        self._registers = registers
        self._item = item

    def __call__(self, kind: WordKind, **words: int) -> None:
        """Call the one of its rows and lanes with the words that it takes; an activation by its number."""
        given = {"count": 1, **words}
        if (activation := given["activation"]) in SMOOTH:
            given["activation"] = self._engine.get_function_address(f"smooth{activation}")
        name = kernel_name(KernelName(kind, words["rows"], words["lanes"]), self._item)
        taken, address = TAKEN[kind], self._engine.get_function_address(name)
        assert address, f"nobody wrote {name}"
        ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(taken))(address)(*(given.get(word, 0) for word in taken))


@cache
def compiled(registers: Registers, item: int, features: str) -> Functions:
    """What is tested is the code that ours writes, and not how well LLVM hands out registers.

    That takes two thirds of the time of compiling: it does so for one of the machines, and for the others no better
    than it must.
    """
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    machine = binding.Target.from_triple(binding.get_process_triple()).create_target_machine(
        cpu=binding.get_host_cpu_name() if features else "x86-64",
        features=features,
        opt=2 if (registers, item) == (AVX512, 4) else 0,
    )
    engine = binding.create_mcjit_compiler(binding.parse_assembly(""), machine)
    kinds: tuple[WordKind, ...] = ("pixels", "more", "channels", "rest", "dots")
    modules = [
        module_of(kernel_name(kernel, item), kernel, registers, item)
        for kind in kinds
        for kernel in kernels_of_kind(kind, registers)
    ]
    modules += [module_of(f"smooth{each}", each, registers, item) for each in SMOOTH if is_known(each, item)]
    for module in modules:
        engine.add_module(binding.parse_assembly(str(module)))
    engine.finalize_object()
    return Functions(engine, registers, item)


def is_known(activation: int, item: int) -> bool:
    """Whether kernels of such elements know it."""
    return activation != GELU or item == SINGLE


def others_of(item: int) -> Iterator[int]:
    """The activations beside ReLU that kernels of such elements know, again and again."""
    return itertools.cycle([RELU6, HARDSWISH, SILU, *[GELU] * (item == SINGLE)])


RESIDUALS = itertools.cycle([True, False, True, True, False])
"""Whether a kernel is given one: over any few kernels both meet every activation."""


def residual_of(guarded: Guarded, c: Any, numbers: np.random.Generator) -> tuple[int, Any]:
    """How far behind ``c`` a residual lies, and the residual; none in two of five."""
    if not next(RESIDUALS):
        return 0, 0
    residual = guarded.copy(numbers.integers(-8, 9, c.shape).astype(c.dtype))
    return residual.ctypes.data - c.ctypes.data, residual


def activated(number: int, sums: Any) -> Any:
    """By the formula, in longer numbers than any kernel has."""
    v = np.asarray(sums, np.longdouble)
    if number in (RELU, RELU6):
        return np.clip(v, 0, 6 if number == RELU6 else None)
    if number == HARDSWISH:
        return v * (np.clip(v + 3, 0, 6) / 6)
    if number == SILU:
        with np.errstate(over="ignore"):
            return v / (1 + np.exp(-v))
    return v * (0.5 * (1 + np.vectorize(math.erf)(np.float64(v) / math.sqrt(2)))) if number == GELU else v


def assert_activated(reached: Any, sums: Any, number: int, message: str = "") -> None:
    """Exact where it is a matter of comparing, else within half of what the gate allows an activation by itself."""
    roundings = 0 if number in (NONE, RELU, RELU6) else 2 if number == HARDSWISH else 4
    allowed = roundings * np.finfo(reached.dtype).eps / 2 * np.abs(sums)
    assert (np.abs(reached - activated(number, sums)) <= allowed).all(), f"{message}, activation {number}"


HOST = binding.get_host_cpu_features().flatten()
MACHINES = [
    pytest.param(AVX512, 4, HOST, id="avx512-float32"),
    pytest.param(Registers(8, 24, 8), 8, HOST, id="avx512-float64"),
    pytest.param(AVX2, 4, HOST, id="avx2-float32"),
    pytest.param(
        Registers(4, 12, 6),
        4,
        "",
        id="without-fma",
        marks=pytest.mark.skipif("avx" not in HOST, reason="the plain target is an x86-64 processor's"),
    ),
]


@pytest.mark.parametrize(("registers", "item", "features"), MACHINES)
def test_every_kernel_computes_the_formula_and_touches_nothing_else(
    registers: Registers, item: int, features: str
) -> None:
    functions = compiled(registers, item, features)
    numbers, dtype, k, others = np.random.default_rng(0), f"float{8 * item}", 5, others_of(item)
    kinds: tuple[WordKind, ...] = ("pixels", "more", "channels")
    for kind in kinds:
        unit = registers.half if kind == "channels" else registers.lanes
        for rows in range(1, registers.rows + 1):
            for lanes in range(unit, registers.vectors(rows) * registers.lanes + 1, unit):
                if lanes > USUAL_VECTORS * registers.lanes and lanes % registers.lanes:
                    continue
                if kind == "more" and (rows > STREAMED_ROWS or lanes != registers.vectors(rows) * registers.lanes):
                    continue
                fewer = max(1, lanes - 1) if kind == "channels" else lanes
                for activation, valid in ((NONE, lanes), (RELU, fewer), (next(others), fewer), (next(others), lanes)):
                    guarded = Guarded()
                    a, b, bias = (
                        guarded.copy(numbers.integers(-8, 9, shape).astype(dtype))
                        for shape in ((k, rows), (k, lanes), (lanes if kind == "channels" else rows,))
                    )
                    c = guarded.array((rows, valid), dtype)
                    c[...] = numbers.integers(-8, 9, c.shape)
                    begun = kind == "more" and activation != NONE
                    before = c.copy() if begun else 0
                    other, residual = residual_of(guarded, c, numbers)
                    functions(
                        kind, rows=rows, lanes=lanes, valid=valid, k=k,
                        a=a.ctypes.data, a_row=item, a_step=rows * item,
                        b=b.ctypes.data, b_step=lanes * item,
                        c=c.ctypes.data, c_row=valid * item, c_lane=item,
                        bias=bias.ctypes.data, activation=activation,
                        ahead=a.ctypes.data, ahead_end=a.ctypes.data, begun=begun, other=other,
                    )  # fmt: skip
                    expected = (
                        (a.T @ b + (bias if kind == "channels" else bias[:, None]))[:, :valid] + before + residual
                    )
                    assert_activated(c, expected, activation, f"{kind} {rows}x{lanes}")


@pytest.mark.parametrize(("registers", "item", "features"), MACHINES)
def test_rests_meet_panels_of_any_height(registers: Registers, item: int, features: str) -> None:
    """Their vectors read beyond the panel, which the packing allows for, and write nothing there."""
    functions = compiled(registers, item, features)
    numbers, dtype, half, others = np.random.default_rng(0), f"float{8 * item}", registers.half, others_of(item)
    for rows, height, k in itertools.product(
        range(1, registers.most_rest + 1), range(1, registers.rows + 1), (1, 7, 16, 29)
    ):
        lanes = -(-height // half) * half
        guarded = Guarded()
        a, b, bias = (
            guarded.copy(numbers.integers(-8, 9, shape).astype(dtype))
            for shape in ((k, rows), (k * height + lanes - height,), (lanes,))
        )
        for activation in (NONE, RELU, next(others)):
            c = guarded.array((height, rows), dtype)
            other, residual = residual_of(guarded, c, numbers)
            functions(
                "rest", rows=rows, lanes=lanes, valid=height, k=k, a=a.ctypes.data,
                b=b.ctypes.data, b_step=height * item, c=c.ctypes.data, c_row=item, c_lane=rows * item,
                bias=bias.ctypes.data, activation=activation, other=other,
            )  # fmt: skip
            expected = b[: k * height].reshape(k, height).T @ a + bias[:height, None] + residual
            assert_activated(c, expected, activation, f"{rows} pixels, {height} channels of {k}")


@pytest.mark.parametrize("activation", [NONE, SILU])
@pytest.mark.parametrize("along", ["rows", "lanes"])
def test_one_call_takes_many_tiles_and_asks_for_no_more_than_it_was_told(along: str, activation: int) -> None:
    functions = compiled(AVX2, 4, HOST)
    numbers, guarded, k, count = np.random.default_rng(0), Guarded(), 5, 3
    rows, lanes = (6 * count, 16) if along == "rows" else (6, 16 * count)
    a, b, bias = (guarded.copy(numbers.integers(-8, 9, shape).astype("f4")) for shape in ((k, rows), (k, lanes), rows))
    c = guarded.array((rows, lanes), "float32")
    residual = guarded.copy(numbers.integers(-8, 9, c.shape).astype("f4"))
    panels = guarded.copy(np.concatenate([a[:, first : first + 6].ravel() for first in range(0, rows, 6)]))
    steps = (
        {"a_next": 4 * 6 * k, "bias_next": 4 * 6, "c_next": 4 * 6 * lanes}
        if along == "rows"
        else {"b_next": 64, "c_next": 64}
    )
    functions(
        "pixels", rows=6, lanes=16, valid=16, k=k, a=panels.ctypes.data, b=b.ctypes.data, b_step=4 * lanes,
        c=c.ctypes.data, c_row=4 * lanes, bias=bias.ctypes.data, ahead=b.ctypes.data, ahead_end=b.ctypes.data,
        count=count, activation=activation, other=residual.ctypes.data - c.ctypes.data, **steps,
    )  # fmt: skip
    assert_activated(c, a.T @ b + bias[:, None] + residual, activation, along)


@pytest.mark.parametrize(("registers", "item", "features"), MACHINES)
def test_dot_products_compute_the_formula_and_touch_nothing_else(
    registers: Registers, item: int, features: str
) -> None:
    functions = compiled(registers, item, features)
    numbers, dtype, others = np.random.default_rng(0), f"float{8 * item}", others_of(item)
    for lanes in range(1, DOT_LANES + 1):
        for rows, k in itertools.product(range(1, registers.pixels(lanes) + 1), (1, 16, 37)):
            guarded = Guarded()
            a, b, bias = (
                guarded.copy(numbers.integers(-8, 9, shape).astype(dtype))
                for shape in ((rows, k), (lanes, k), (lanes,))
            )
            for activation in (NONE, RELU, next(others)):
                c = guarded.array((lanes, rows), dtype)
                other, residual = residual_of(guarded, c, numbers)
                functions(
                    "dots", rows=rows, lanes=lanes, valid=lanes, k=k, a=a.ctypes.data, a_row=k * item,
                    b=b.ctypes.data, c=c.ctypes.data, c_row=item, c_lane=rows * item, bias=bias.ctypes.data,
                    activation=activation, other=other,
                )  # fmt: skip
                expected = b @ a.T + bias[:, None] + residual
                assert_activated(c, expected, activation, f"{rows}x{lanes}, {k} channels")


@pytest.mark.parametrize("kind", ["pixels", "channels"])
def test_nan_and_infinity_pass_through_bias_and_relu(kind: WordKind) -> None:
    functions = compiled(AVX512, 4, HOST)
    a, b, bias = np.ones((1, 2), "f4"), np.ones((1, 16), "f4"), np.zeros(16, "f4")
    b[0, :3] = np.nan, np.inf, -np.inf
    c = np.zeros((2, 16), "f4")
    functions(
        kind, rows=2, lanes=16, valid=16, k=1, a=a.ctypes.data, a_row=4, a_step=8, b=b.ctypes.data,
        b_step=64, c=c.ctypes.data, c_row=64, c_lane=4, bias=bias.ctypes.data, activation=RELU, ahead=a.ctypes.data,
    )  # fmt: skip
    np.testing.assert_array_equal(c[:, :4], [[np.nan, np.inf, 0, 1]] * 2)


@pytest.mark.parametrize(("registers", "item", "features"), MACHINES)
def test_activations_hold_over_all_sizes_of_numbers_and_keep_nan(
    registers: Registers, item: int, features: str
) -> None:
    """Through a kernel of one channel, whose weight is one: what it reads is what is activated."""
    functions = compiled(registers, item, features)
    dtype, numbers = np.dtype(f"float{8 * item}"), np.random.default_rng(0)
    rows, lanes = 2, 2 * registers.lanes
    one, none = np.ones((1, rows), dtype), np.zeros(rows, dtype)
    for number, size in itertools.product((RELU6, HARDSWISH, SILU, GELU)[: 4 if item == SINGLE else 3], range(-40, 8)):
        b = (numbers.standard_normal((1, lanes)) * 2.0**size).astype(dtype)
        b[0, :5] = np.nan, np.inf, np.finfo(dtype).max, -np.finfo(dtype).max, 0
        c = np.zeros((rows, lanes), dtype)
        functions(
            "pixels", rows=rows, lanes=lanes, valid=lanes, k=1, a=one.ctypes.data, b=b.ctypes.data,
            b_step=lanes * item, c=c.ctypes.data, c_row=lanes * item, bias=none.ctypes.data, activation=number,
            ahead=b.ctypes.data, ahead_end=b.ctypes.data,
        )  # fmt: skip
        assert np.isnan(c[:, 0]).all()
        assert (c[:, 1] == (6 if number == RELU6 else np.inf)).all()
        assert_activated(c[:, 2:], np.repeat(b[:, 2:], rows, 0).astype(np.float64), number, f"2**{size}")
