"""The array that a backend is given: guarded on both sides, aligned, read-only, and checked for traces."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from pointwise_bench.suites.harness.memory.guarded_arrays import Input
from pointwise_bench.suites.harness.record.ended import WrongAnswer

SHAPES = [(1,), (1, 1, 1, 1), (2, 3, 5, 7), (1, 16, 4, 4), (17,)]
DTYPES = ["float32", "float64"]


def filled(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(shape).astype(dtype)


def element_at(array: np.ndarray, offset: int) -> float:
    """The element ``offset`` places from the array's first, wherever that is."""
    kind = {4: ctypes.c_float, 8: ctypes.c_double}[array.itemsize]
    return kind.from_address(array.ctypes.data + offset * array.itemsize).value


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_it_holds_the_values_contiguous_and_aligned(shape: tuple[int, ...], dtype: str) -> None:
    original = filled(shape, dtype)
    # Several at once: chance alone aligns one in four.
    for given in [Input(original) for _ in range(8)]:
        assert given.array.ctypes.data % 64 == 0
        assert given.array.flags.c_contiguous
        assert given.array.dtype == original.dtype
        assert np.array_equal(given.array, original)
        assert not np.shares_memory(given.array, original)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_nan_stands_before_and_behind_it(shape: tuple[int, ...], dtype: str) -> None:
    array = Input(filled(shape, dtype)).array
    guard = 64 // array.itemsize  # a whole cache line on either side
    assert all(np.isnan(element_at(array, -place)) for place in range(1, guard + 1))
    assert all(np.isnan(element_at(array, array.size + place)) for place in range(guard))


def test_an_empty_input_is_an_input() -> None:
    given = Input(np.zeros((0, 3, 4, 4), np.float32))
    assert given.array.shape == (0, 3, 4, 4)
    given.check_untouched()


def test_it_refuses_to_be_written() -> None:
    given = Input(filled((2, 3), "float32"))
    with pytest.raises(ValueError, match="read-only"):
        given.array[0, 0] = 1


@pytest.mark.parametrize("place", [0, 5, -1])
def test_a_write_through_a_pointer_is_seen(place: int) -> None:
    given = Input(filled((2, 3, 4, 4), "float32"))
    given.check_untouched()
    place %= given.array.size
    pointer = ctypes.cast(given.array.ctypes.data, ctypes.POINTER(ctypes.c_float))
    pointer[place] += 1.0
    with pytest.raises(WrongAnswer, match="changes its input"):
        given.check_untouched()


def test_a_write_through_the_base_is_seen() -> None:
    given = Input(filled((4, 4), "float64"))
    base = given.array
    while isinstance(base.base, np.ndarray):
        base = base.base
    base[...] = 0
    with pytest.raises(WrongAnswer, match="changes its input"):
        given.check_untouched()


def test_a_sign_of_zero_is_a_change_and_a_nan_is_none() -> None:
    given = Input(np.array([0.0, np.nan]))
    given.check_untouched()
    ctypes.c_double.from_address(given.array.ctypes.data).value = -0.0
    with pytest.raises(WrongAnswer):
        given.check_untouched()


def test_new_values_in_the_same_memory_are_no_trace_of_the_backend() -> None:
    given = Input(filled((3, 3), "float32"))
    array = given.array
    given.replace_by(np.ones((3, 3), np.float32))
    assert (array == 1).all()
    given.check_untouched()
