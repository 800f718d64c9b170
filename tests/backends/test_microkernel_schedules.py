"""numba-microkernel's schedules, carried out in Python: every element once, from its own pixel and channel."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from vector_hosts import AVX2, AVX512

from pointwise_bench import Problem
from pointwise_bench.backends._microkernel import (
    blocking as blocking_module,
    planes as planes_module,
    rows as rows_module,
)
from pointwise_bench.backends._microkernel.blocking import (
    weight_tiles,
)
from pointwise_bench.backends._microkernel.caches import lines_crowd, pages_crowd
from pointwise_bench.backends._microkernel.kernels.registers import (
    Registers,
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
