"""numba-microkernel: what the host allows, how work is cut and shared, and the whole between forbidden pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from places import HELPERS, ROOT
from vector_hosts import AVX2, AVX512, HOSTS, NEON

from pointwise_bench import Problem
from pointwise_bench.backends._microkernel.blocking import (
    even,
    lane_tiles,
    panels,
    plane_cut,
    share,
    vector_tiles,
    weight_panels,
)
from pointwise_bench.backends._microkernel.kernels.numbering import (
    KINDS,
    KernelName,
    kernels_of_kind,
    number_of_kernel,
    table_size,
)
from pointwise_bench.backends._microkernel.kernels.objects import address_of
from pointwise_bench.backends._microkernel.kernels.registers import (
    DOT_LANES,
    Registers,
    registers_of,
)
from pointwise_bench.backends._microkernel.sweep import (
    CHANNELS,
    DOTS,
    PIXELS,
)

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
