"""Inputs that change: every window is aligned and whole, new places are new values, and both sides agree on them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pointwise_bench.suites.harness.memory.input_windows import (
    LINES,
    SPREAD,
    Windows,
    content,
    input_at,
    pool_size,
    where,
    window,
)
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


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_what_a_window_shows_after_renewals_is_what_the_harness_makes_again(dtype: str) -> None:
    pool, places = pool_of(dtype), (2**61, 12345)
    windows = Windows(SHAPE, pool)
    windows.fill(places)
    seen = []
    for renewals in range(4):
        for line in (0, 7, LINES):
            mine, again = windows.windows[line], input_at(pool, SHAPE, places, where(line, renewals), 3)
            assert mine.tobytes() == again.tobytes()
            assert np.isfinite(again.astype(np.float64)).all()
        windows.check_untouched()
        seen.append(windows.array.tobytes())
        windows.renew()
    assert len(set(seen)) == 4


def test_of_more_renewals_than_calls_no_more_are_made() -> None:
    pool = pool_of("float32")
    told, most = (input_at(pool, SHAPE, (3, 5), where(1, renewals), 2) for renewals in (2**32, 2))
    assert told.tobytes() == most.tobytes()


def test_a_renewal_is_of_a_part_and_soon_all_windows_have_another_value_of_many() -> None:
    windows = Windows((1, 64, 28, 28), np.random.default_rng(1).random(pool_size(64 * 784, 4), np.float32))
    windows.fill((3, 5))
    before = windows.array.copy()
    windows.renew()
    assert np.mean(windows.array != before) == pytest.approx(1 / 64, abs=0.001)
    for _ in range(19):
        windows.renew()
    assert 0.15 < np.mean(windows.array != before) < 0.35


def test_what_is_held_has_the_sizes_of_one_part_and_is_no_sum() -> None:
    """Who knows the answers to two parts knows none to what is made of them."""
    pool = np.random.default_rng(1).random(pool_size(40_000, 4), np.float32) - np.float32(0.5)
    pool *= np.float32(SPREAD)
    held = content(pool, (3, 1005))
    one, other = (pool[start : start + held.size] for start in (3, 1005))
    assert np.array_equal(np.frexp(held)[1], np.frexp(one)[1])
    assert np.var(held) == pytest.approx(1, rel=0.02)
    assert abs(np.mean(held)) < 0.02
    best, left, *_ = np.linalg.lstsq(np.stack([one, other], axis=1), held, rcond=None)
    assert np.abs(best).max() < 0.02
    assert left[0] > 0.99 * np.sum(held**2)


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
