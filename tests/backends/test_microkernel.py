"""numba-microkernel's parts: what the host allows, how work is cut and shared, and every kernel against the formula."""

from __future__ import annotations

import ctypes
import itertools
import math
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from guarded_memory import Guarded
from hypothesis import given, settings, strategies as st
from llvmlite import binding
from places import HELPERS, ROOT

from pointwise_bench import Problem
from pointwise_bench.backends._microkernel import (
    blocking as blocking_module,
    planes as planes_module,
    rows as rows_module,
)
from pointwise_bench.backends._microkernel.blocking import (
    even,
    lane_tiles,
    panels,
    plane_cut,
    share,
    vector_tiles,
    weight_panels,
    weight_tiles,
)
from pointwise_bench.backends._microkernel.caches import lines_crowd, pages_crowd
from pointwise_bench.backends._microkernel.kernels.numbering import (
    KINDS,
    KernelName,
    kernels_of_kind,
    number_of_kernel,
    table_size,
)
from pointwise_bench.backends._microkernel.kernels.objects import address_of, kernel_name, module_of
from pointwise_bench.backends._microkernel.kernels.registers import (
    DOT_LANES,
    STREAMED_ROWS,
    USUAL_VECTORS,
    Registers,
    registers_of,
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
from pointwise_bench.backends._microkernel.schedule import Scheduler
from pointwise_bench.backends._microkernel.sweep import (
    BLOCKED,
    CHANNELS,
    COPIED,
    DIRECT,
    DOTS,
    GATHERED,
    KEPT,
    PIXELS,
    STREAMED,
    Memory,
    Sweep,
)
from pointwise_bench.backends.problem import ITEM_BYTES

AVX512, AVX2, NEON = Registers(16, 24, 8), Registers(8, 12, 6), Registers(4, 24, 8)
HOSTS = {"avx512": AVX512, "avx2": AVX2, "neon": NEON}


# --- registers and cutting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("features", "machine", "item", "expected"),
    [
        ({"avx", "avx2", "fma", "avx512f", "avx512vl"}, "x86_64", 4, AVX512),
        ({"avx", "avx2", "fma", "avx512f", "avx512vl"}, "x86_64", 8, Registers(8, 24, 8)),
        ({"avx", "avx2", "fma"}, "x86_64", 4, AVX2),
        ({"avx", "avx512f"}, "x86_64", 4, AVX2),  # without VL there are no masked half registers beyond sixteen
        ({"sse2"}, "x86_64", 4, Registers(4, 12, 6)),
        ({"neon"}, "aarch64", 4, NEON),
    ],
)
def test_registers_follow_from_the_hosts_features(
    features: set[str], machine: str, item: int, expected: Registers
) -> None:
    assert registers_of(features, machine, item) == expected


@pytest.mark.parametrize("registers", HOSTS.values(), ids=HOSTS)
def test_a_tile_fits_into_the_registers(registers: Registers) -> None:
    available = 16 if registers == AVX2 else 32
    for rows in range(1, registers.rows + 1):
        sums = rows * registers.vectors(rows)
        assert sums + min(rows, registers.vectors(rows)) + 1 <= available
    for outputs in range(1, DOT_LANES + 1):
        assert registers.pixels(outputs) * outputs + outputs + 1 <= available


@given(st.integers(0, 5000), st.integers(1, 40))
def test_even_parts_are_the_fewest_and_alike(total: int, most: int) -> None:
    parts = even(total, most)
    assert sum(parts) == total
    assert len(parts) == -(-total // most)
    assert not parts or max(parts) - min(parts) <= 1


@given(st.integers(0, 1000), st.integers(1, 9))
def test_shares_cover_everything_once(total: int, parts: int) -> None:
    shares = [share(total, part, parts) for part in range(parts)]
    assert [index for each in shares for index in each] == list(range(total))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize("registers", HOSTS.values(), ids=HOSTS)
@given(lanes=st.integers(1, 3000), rows=st.integers(1, 50))
def test_tiles_of_lanes_cover_the_channels_and_little_more(registers: Registers, lanes: int, rows: int) -> None:
    tiles = lane_tiles(lanes, rows, registers)
    assert lanes <= sum(tiles) < lanes + registers.half
    assert sum(tile % registers.lanes > 0 for tile in tiles) <= 1, "more than one vector is half empty"
    assert min(map(registers.height, tiles)) >= 1
    assert sum(vector_tiles(lanes, min(rows, registers.rows), registers)) == lanes * registers.lanes


def test_panels_are_lower_where_that_fits_the_pixels() -> None:
    assert weight_panels(Problem.parse("n1c852h5w5-o24"), AVX2) == [4] * 6  # 25 pixels: three vectors, one tile
    assert weight_panels(Problem.parse("n1c852h56w56-o24"), AVX2) == [6] * 4
    assert weight_panels(Problem.parse("n1c512h7w7-o24"), AVX2) == [6] * 4  # six vectors: three tiles of two
    assert weight_panels(Problem.parse("n1c852h5w5-o24"), AVX512) == [8] * 3


def test_small_pictures_are_broadcast_whole_where_there_are_channels_enough() -> None:
    cuts = {
        name: plane_cut(Problem.parse(name), AVX2)
        for name in ("n1c392h6w6-o1387-s2", "n1c100h3w3-o100", "n1c392h4w4-o50", "n1c392h7w7-o50", "n1c392h2w2-o50")
    }
    assert list(cuts.values()) == [(0, 9), (1, 1), (2, 0), (6, 1), (0, 4)]
    assert plane_cut(Problem.parse("n1c392h5w5-o50"), AVX512) == (1, 9)


def test_tiles_of_lanes_leave_no_register_idle() -> None:
    assert lane_tiles(24, 1000, AVX2) == [24]  # 4 rows x 3 vectors; 6 x 2 would leave one of four vectors idle
    assert lane_tiles(40, 1000, AVX2) == [24, 16]
    assert lane_tiles(64, 6, AVX2) == [16, 16, 16, 16]  # six pixels are one panel of 6 x 2, and would be two of 3 x 3
    assert lane_tiles(20, 1000, AVX2) == [20]
    assert lane_tiles(512, 1, AVX512) == [176, 176, 160]  # one pixel: as many sums as it takes not to wait for them


# --- schedules, carried out in Python -----------------------------------------------------------------------------


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Small problems whose edges fall everywhere."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    return Problem(
        batch=draw(st.integers(0, 3)),
        in_channels=groups * draw(st.integers(1, 3)),
        out_channels=groups * draw(st.sampled_from([1, 2, 3, 4, draw(st.integers(5, 60))])),
        height=draw(st.integers(1, 20)),
        width=draw(st.integers(1, 20)),
        stride=draw(st.integers(1, 3)),
        groups=groups,
        dtype=draw(st.sampled_from(["float32", "float64"])),
        layout=draw(st.sampled_from(["nchw", "nhwc"])),
    )


def memory_of(threads: int) -> Memory:
    """Addresses that nobody follows."""
    return Memory(
        by_rows=0, by_lanes=0, as_given=0, bias=0, zeros=0, padded_bias=0, offsets=0, scratch=tuple(range(threads))
    )


def heights(sweep: Sweep) -> list[int]:
    """As ``compiled`` cuts them: the higher panels first."""
    return [sweep.rows // sweep.panels + (panel < sweep.rows % sweep.panels) for panel in range(sweep.panels)]


def widths(sweep: Sweep, registers: Registers) -> list[int]:
    """Lanes of each tile, as ``compiled`` cuts them: the wider ones first."""
    if sweep.kind != PIXELS:
        return [sweep.lanes]
    vectors = sweep.lanes // registers.lanes
    return [registers.lanes * (vectors // sweep.tiles + (tile < vectors % sweep.tiles)) for tile in range(sweep.tiles)]


def products(p: Problem, sweep: Sweep, kept: list[int]) -> Iterator[tuple[int, int, int]]:
    """Of each element that a sweep writes: its place in y, the place of its pixel in x, and its output channel."""
    item, k = ITEM_BYTES[p.dtype], p.in_channels // p.groups
    count = sweep.lanes + sweep.rest if sweep.kind == PIXELS else sweep.rows
    rows = np.arange(p.out_height)[:, None] * p.stride * p.width + np.arange(p.out_width) * p.stride
    if sweep.pack == GATHERED:
        first = sweep.offsets // 8
        kept[:] = [sweep.x // item + int(offset) for offset in rows.ravel()[first : first + count]]
        assert len(kept) == count
    elif sweep.pack in (COPIED, BLOCKED):
        assert sweep.lanes % 4 == 0
        kept[:] = [sweep.x // item + pixel for pixel in range(count)]
    lanes = sweep.valid + sweep.rest
    tiles = weight_tiles(p, AVX512 if item == 4 else Registers(8, 24, 8))  # once: it tries many cuts
    for row in range(sweep.rows):
        for lane in range(lanes):
            pixel, channel = (lane, row) if sweep.kind == PIXELS else (row, lane)
            if sweep.pack in (DIRECT, STREAMED):
                x = sweep.x // item + (pixel if sweep.kind == PIXELS else pixel * (sweep.x_row // item))
            else:
                x = kept[pixel]
            weight = sweep.weight // item
            if sweep.kind in (PIXELS, DOTS):
                assert weight % k == 0
                output = weight // k + channel
            else:
                group, lane_in_group = divmod(weight // k, sum(tiles))
                output = group * (p.out_channels // p.groups) + lane_in_group + channel
            yield sweep.y // item + row * (sweep.y_row // item) + lane * (sweep.y_lane // item), x, output


@settings(deadline=None, max_examples=150)
@given(
    problems(),
    st.sampled_from([1, 192]),
    st.integers(1, 5),
    st.sampled_from([0, 2**24]),
    st.sampled_from([0, 4]),
    st.sampled_from([0, 2**10, 2**17]),
    st.sampled_from([0, 2**21]),
    st.booleans(),
)
def test_every_element_is_written_once_from_its_own_pixel_and_channel(
    p: Problem,
    deep: int,
    threads: int,
    streamed_bytes: int,
    dot_steps: int,
    shallow_bytes: int,
    heavy_bytes: int,
    crowd: bool,
) -> None:
    registers = AVX512 if p.dtype == "float32" else Registers(8, 24, 8)
    memory = memory_of(threads)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocking_module, "DEEP", deep)
        patch.setattr(planes_module, "STREAMED_BYTES", streamed_bytes)
        patch.setattr(planes_module, "RUN_BYTES", 1024)
        patch.setattr(rows_module, "DOT_STEPS", dot_steps)
        patch.setattr(planes_module, "SHALLOW_BYTES", shallow_bytes)
        patch.setattr(planes_module, "HEAVY_BYTES", heavy_bytes)
        patch.setattr(planes_module, "pages_crowd", lambda *_: crowd)
        patch.setattr(planes_module, "BLOCK_TILES", 3)
        patch.setattr(planes_module, "BLOCK_BYTES", 0)
        parts = Scheduler(p, registers, memory).schedule(threads)
    assert len(parts) in (1, threads)
    written: dict[int, tuple[int, int]] = {}
    allowed = {rows: registers.vectors(rows) * registers.lanes for rows in range(1, registers.rows + 1)}
    for part in parts:
        kept: list[int] = []
        for sweep in part:
            widest = max(widths(sweep, registers))
            assert all(widest <= allowed[rows] for rows in heights(sweep)), "a kernel that nobody wrote"
            assert sweep.rest <= registers.most_rest
            assert sweep.pack != KEPT or kept, "nothing was packed before"
            for y, x, channel in products(p, sweep, kept):
                assert y not in written, "written twice"
                written[y] = (x, channel)
    kernels, k = p.out_channels // p.groups, p.in_channels // p.groups
    expected = {}
    for n, o, i, j in np.ndindex(p.batch, p.out_channels, p.out_height, p.out_width):
        first = o // kernels * k
        if p.layout == "nchw":
            y = ((n * p.out_channels + o) * p.out_height + i) * p.out_width + j
            x = ((n * p.in_channels + first) * p.height + i * p.stride) * p.width + j * p.stride
        else:
            y = ((n * p.out_height + i) * p.out_width + j) * p.out_channels + o
            x = ((n * p.height + i * p.stride) * p.width + j * p.stride) * p.in_channels + first
        expected[y] = (x, o)
    assert written == expected


def test_the_rest_of_a_plane_meets_heavy_weights_with_the_last_tile() -> None:
    memory = memory_of(1)

    def rests(name: str) -> list[tuple[int, int]]:
        return [(sweep.kind, sweep.rest) for sweep in Scheduler(Problem.parse(name), AVX2, memory).schedule(1)[0]]

    assert rests("n1c768h7w7-o3072") == [(PIXELS, 0), (PIXELS, 0), (PIXELS, 1)]  # 9 MB
    assert {rest for _, rest in rests("n1c64h7w7-o64")} == {0}
    assert CHANNELS in {kind for kind, _ in rests("n1c64h7w7-o64")}
    assert {rest for _, rest in rests("n1c1024h5w11-o1024")} == {0}, "seven pixels of eight fill their vectors better"


def test_few_channels_of_a_large_picture_are_taken_panel_by_panel() -> None:
    memory = memory_of(1)

    def most_tiles(name: str) -> int:
        return max(sweep.tiles for sweep in Scheduler(Problem.parse(name), AVX2, memory).schedule(1)[0])

    assert most_tiles("n1c9h42w42-o933") == 110
    assert most_tiles("n1c9h8w8-o933") == 1, "four tiles: one call takes 156 panels past each"
    assert most_tiles("n1c64h42w42-o933") == 1


def test_channels_that_crowd_the_caches_are_packed_in_blocks() -> None:
    """What was measured of a processor with eight ways of lines and sixteen of pages; in pages of 4 KiB."""
    plane = 4 * 79 * 79  # 21 of them are 44 bytes short of 128 pages
    assert pages_crowd(351, plane)
    assert not pages_crowd(200, plane)
    assert not pages_crowd(449, 4 * 79 * 80)
    assert not lines_crowd(449, plane)
    assert lines_crowd(9, 2**16)
    assert not lines_crowd(8, 2**16)
    assert pages_crowd(1395, 2**14)

    def packs(name: str) -> set[tuple[int, int]]:
        (part,) = Scheduler(Problem.parse(name), AVX2, memory_of(1)).schedule(1)
        return {(sweep.pack, sweep.tiles) for sweep in part if sweep.kind == PIXELS}

    assert packs("n1c449h79w79-o42") == {(BLOCKED, 9), (BLOCKED, 8)}
    assert packs("n1c449h79w80-o42") == {(COPIED, 1)}
    assert packs("n1c351h64w64-o12") == {(DIRECT, 1)}, "two panels: lines that crowd are not worth packing"
    assert packs("n1c2048h64w64-o12") == {(BLOCKED, 6), (BLOCKED, 5)}, "at most 768 KiB"


def test_small_pictures_are_shared_by_channels_and_tiny_layers_by_nobody() -> None:
    memory = memory_of(2)

    def parts(name: str) -> list[list[Sweep]]:
        return Scheduler(Problem.parse(name), AVX512, memory).schedule(2)

    seven = parts("n1c512h7w7-o512")
    assert [sum(sweep.rows for sweep in part if sweep.kind == PIXELS) for part in seven] == [256, 256]
    assert len(parts("n1c8h1w1-o32")) == 1
    wide = parts("n1c256h56w56-o64")
    assert len({sweep.x for part in wide for sweep in part}) == sum(map(len, wide)), "a tile was read by two threads"


@pytest.mark.parametrize("channels", [64, 8])  # one tile at a time, and several
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_the_next_tiles_are_asked_for_where_they_begin(
    stride: int, channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planes_module, "SHALLOW_BYTES", 2**10)
    memory = memory_of(1)
    p = replace(Problem.parse("n1c8h56w50-o24"), stride=stride, in_channels=channels)
    (part,) = Scheduler(p, AVX2, memory).schedule(1)
    tiles = [sweep for sweep in part if sweep.kind == PIXELS]
    starts = np.cumsum([0, *(sweep.lanes for sweep in tiles)])
    assert len(tiles) > 5
    assert (max(sweep.tiles for sweep in tiles) > 1) == (channels == 8)
    for sweep, start in zip(tiles[:-1], starts[1:], strict=False):
        row, column = divmod(int(start), p.out_width)
        assert sweep.ahead == 4 * (row * stride * p.width + column * stride)


# --- kernels ------------------------------------------------------------------------------------------------------


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


# --- the whole ----------------------------------------------------------------------------------------------------

FUZZ = HELPERS / "fuzz_microkernel.py"


def test_random_problems_between_forbidden_pages() -> None:
    """``python tests/helpers/fuzz_microkernel.py 20000 1`` asks more of them."""
    done = subprocess.run([sys.executable, FUZZ, "300", "0", "-v"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-500:] + done.stderr[-2000:]


def test_a_step_past_the_end_is_seen() -> None:
    """The forbidden pages do forbid."""
    program = (
        "import ctypes, numpy\nfrom guarded_memory import Guarded\ng = Guarded()\n"
        "a = g.array((3,), 'float32')\nprint(ctypes.c_float.from_address(a.ctypes.data + {}).value)"
    )
    inside, outside = (
        subprocess.run(
            [sys.executable, "-c", program.format(offset)], capture_output=True, cwd=FUZZ.parent, check=False
        ).returncode
        for offset in (8, 12)
    )
    assert (inside, outside) == (0, -11)


COLD = """
import sys, time, numba, numba.np.arraymath, llvmlite.binding, numpy as np
from pointwise_bench import Problem, get
import pointwise_bench.backends._microkernel.layer
for name in sys.argv[1:]:
    began, p = time.process_time(), Problem.parse(name)
    get('numba-microkernel').prepare(p, np.ones(p.weight_shape, p.dtype), None, 1)
    print(time.process_time() - began)
"""


def seconds_to_prepare(cache: Path, *names: str) -> list[float]:
    """Of processor time, in a process of its own; importing numba is not part of it."""
    environment = {"NUMBA_CACHE_DIR": str(cache), "PATH": "/usr/bin:/bin", "NUMBA_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        [sys.executable, "-c", COLD, *names], env=environment, capture_output=True, text=True, check=True
    )
    return list(map(float, done.stdout.split()))


def test_a_first_layer_is_compiled_in_seconds_and_further_ones_in_less_and_both_come_from_disk(tmp_path: Path) -> None:
    """Layers of a network, cold and warm. It was 13 seconds with all kernels in one function (AVX-512)."""
    names = ("n1c64h56w56-o64", "n1c192h14w14-o64", "n1c320h7w7-o1280", "n1c64h56w56-o64-relu-nhwc")
    first, *further = seconds_to_prepare(tmp_path, *names)
    assert first < 5
    assert max(further) < 1
    kept = {path: path.read_bytes() for path in tmp_path.rglob("*.kernel")}
    assert len(kept) < 20, "what no layer takes was compiled"
    times = {path: path.stat().st_mtime_ns for path in kept}
    assert max(seconds_to_prepare(tmp_path, *names)) < 1
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.kernel")} == times, "compiled again"
    for number, (path, code) in enumerate(kept.items()):  # neither half a file nor another one's bits are executed
        path.write_bytes(code[: len(code) // 2] if number % 2 else code[:-1] + bytes([code[-1] ^ 1]))
    seconds_to_prepare(tmp_path, *names)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.kernel")} == kept


def test_where_nothing_can_be_kept_kernels_are_compiled_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert address_of(KernelName("gather", 0, 0), 4, tmp_path / "file" / "folder")


@pytest.mark.parametrize("registers", [*HOSTS.values(), Registers(8, 24, 8), Registers(4, 12, 6), Registers(2, 12, 6)])
def test_every_kernel_has_a_place_of_its_own(registers: Registers) -> None:
    kernels = [kernel for kind in KINDS for kernel in kernels_of_kind(kind, registers)]
    numbers = [number_of_kernel(kernel, registers) for kernel in kernels]
    assert len({*numbers}) == len(kernels)
    assert 0 <= min(numbers) <= max(numbers) < table_size(registers)
    with pytest.raises(LookupError, match="no kernel is written"):
        number_of_kernel(KernelName("pixels", registers.rows + 1, registers.lanes), registers)


def test_panels_of_a_group_are_what_kernels_are_made_for() -> None:
    for registers in HOSTS.values():
        for channels in range(1, 200):
            cut = panels(channels, registers)
            assert sum(cut) == channels
            assert max(cut) <= registers.rows


def test_kinds_are_told_apart() -> None:
    assert (PIXELS, CHANNELS, DOTS) == (0, 1, 2), "compiled.py compares words with these"
