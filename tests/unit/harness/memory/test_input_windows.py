"""Inputs that change: every window is aligned and whole, new places are new values, and both sides agree on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pointwise_bench.suites.harness.memory.input_windows import LINES, Windows, content, pool_size, window
from pointwise_bench.suites.harness.record.ended import WrongAnswer

SHAPE = (2, 3, 5, 7)


def pool_of(dtype: str) -> Any:
    size = pool_size(int(np.prod(SHAPE)), np.dtype(dtype).itemsize)
    return np.random.default_rng(1).standard_normal(size).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_what_a_window_shows_is_what_the_harness_makes_again(dtype: str) -> None:
    pool = pool_of(dtype)
    windows = Windows(SHAPE, pool)
    assert len(windows.windows) == LINES + 1
    for places in ((0, 0), (3, 1), (2**62 - 1, 12345)):
        windows.fill(places)
        for line in (0, 1, LINES):
            mine, again = windows.windows[line], window(content(pool, places), SHAPE, line)
            assert mine.tobytes() == again.tobytes()
            assert mine.dtype == pool.dtype
        windows.check_untouched()


def test_every_window_is_aligned_contiguous_and_read_only() -> None:
    for each in Windows(SHAPE, pool_of("float32")).windows:
        assert each.shape == SHAPE
        assert each.ctypes.data % 64 == 0
        assert each.flags.c_contiguous
        assert not each.flags.writeable


def test_all_windows_lie_in_one_input_and_a_page() -> None:
    places = [each.ctypes.data for each in Windows(SHAPE, pool_of("float32")).windows]
    assert max(places) - min(places) == 4096


def test_no_two_windows_and_no_two_fillings_have_the_same_values() -> None:
    windows = Windows(SHAPE, pool_of("float32"))
    seen = set()
    for places in ((0, 0), (0, 1), (1, 1), (5, 9)):
        windows.fill(places)
        seen |= {each.tobytes() for each in windows.windows}
    assert len(seen) == 4 * (LINES + 1)


def test_writing_to_any_of_it_is_seen() -> None:
    windows = Windows(SHAPE, pool_of("float32"))
    windows.fill((7, 8))
    windows._own[-1] = 77
    with pytest.raises(WrongAnswer, match="changes its input"):
        windows.check_untouched()


def test_an_empty_input_has_empty_windows() -> None:
    pool = np.zeros(pool_size(0, 4), np.float32)
    assert {each.shape for each in Windows((0, 3), pool).windows} == {(0, 3)}
