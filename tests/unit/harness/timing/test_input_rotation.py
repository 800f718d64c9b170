"""What the calls of a turn are given: one input over and over, or more of them than the caches hold, in turn."""

from __future__ import annotations

from math import ceil
from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from pointwise_bench.suites.harness.memory.input_windows import content, moved, pool_size
from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing import input_rotation
from pointwise_bench.suites.harness.timing.input_rotation import ORDERS, InputRotation, cold_copies, is_view

X, DY = np.arange(4, dtype=np.float32), np.arange(6, dtype=np.float32)


class Device:
    """Its arrays are pairs of a word and the array."""

    def to_device(self, array: Any) -> Any:
        """The pair."""
        return ("on the device", array)


def rotation(*originals: Any, cache: Any = "hot") -> InputRotation:
    return InputRotation(Device(), originals, cache)  # type: ignore[arg-type]  # to_device is all that it asks


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A last-level cache of 1000 bytes and 80,000 bytes of free memory."""
    monkeypatch.setattr(input_rotation, "cache_bytes", lambda: {"L1": 100, "L3": 1000, "L2": 300})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=80_000))


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("size", "copies"),
    [
        (100, 21),  # 2 * 1000 / 100, and one more, so that what is between two uses of one is 2000 bytes
        (150, 15),  # 13.3 rounded up, and one more
        (2000, 2),
        (10**9, 2),  # two at least: one alone would be hot
        (0, 2001),  # of an empty batch: as of one byte
    ],
)
def test_copies_fill_the_last_level_cache_twice(size: int, copies: int) -> None:
    assert cold_copies(size) == copies


def test_no_more_than_an_eighth_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_rotation, "cache_bytes", lambda: {"L3": 10**6})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=8000))
    assert cold_copies(100) == 11


def test_a_cache_that_nobody_knows_is_taken_for_32_mib_and_copies_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(input_rotation, "cache_bytes", dict)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=2**40))
    assert cold_copies(2**20) == 2 * 32 + 1
    assert cold_copies(1) == 2**16


def test_hot_inputs_are_one_set_for_ever() -> None:
    hot = rotation(X)
    ((word, array),) = hot.first
    assert word == "on the device"
    assert np.array_equal(array, X)
    assert hot.next() is hot.next() is hot.first
    assert [given is hot.first[0] for given in hot.take(3)] == [True] * 3


@pytest.mark.usefixtures("machine")
def test_cold_inputs_come_in_turn_and_go_on_where_they_stopped() -> None:
    cold = rotation(np.zeros(125, np.float32), cache="cold")  # 500 bytes: 5 copies
    assert len(cold.sources) == 5
    order = [id(given[1]) for given in cold.take(7)] + [id(cold.next()[0][1]) for _ in range(3)]
    assert len(set(order)) == 5
    assert order == order[:5] * 2
    assert order[0] == id(cold.first[0][1])


def test_a_layer_of_two_inputs_is_given_pairs() -> None:
    both = rotation(X, DY)
    (x, dy), *_ = both.take(2)
    assert np.array_equal(x[1], X)
    assert np.array_equal(dy[1], DY)


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("which", [0, 4])
def test_writing_to_any_of_them_is_seen(which: int) -> None:
    cold = rotation(np.zeros(125, np.float32), cache="cold")
    cold.check_untouched()
    cold.sources[which]._inputs[0]._own[7] = 1
    with pytest.raises(WrongAnswer, match="changes its input"):
        cold.check_untouched()


class OnTheCpu:
    """Hands on what it is given, and counts."""

    def __init__(self) -> None:
        self.given = 0

    def to_device(self, array: Any) -> Any:
        """The same."""
        self.given += 1
        return array


class Pointed:
    """An array of a library, which tells where its memory is."""

    def __init__(self, place: int) -> None:
        self.place = place

    def data_ptr(self) -> int:
        """As torch and ONNX Runtime call it."""
        return self.place


def windowed(*originals: Any, backend: Any = None) -> InputRotation:
    pools = tuple(np.random.default_rng(1).random(pool_size(each.size, 4), np.float32) for each in originals)
    on_device: Any = backend or OnTheCpu()
    return InputRotation(on_device, originals, "hot", pools)


def test_calls_get_parts_of_one_block_and_the_last_one_is_known() -> None:
    inputs = windowed(X)
    given = list(inputs.take(500))
    places = {each.ctypes.data for each in given}
    assert len(places) > 50
    assert max(places) - min(places) <= 4096
    assert inputs.last_line is not None
    assert given[-1].ctypes.data == min(each.ctypes.data for (each,) in inputs._windows) + 64 * inputs.last_line
    assert all(np.shares_memory(each, inputs._blocks[0].array) for each in given)
    assert np.array_equal(inputs.first[0], X)  # which lies elsewhere


@pytest.mark.parametrize("calls", [1, 999, 1040, 1041, 2500])
def test_of_many_calls_the_first_thousand_are_drawn_and_places_and_inputs_go_together(calls: int) -> None:
    inputs = windowed(X)
    given, first = inputs.take(calls), inputs._blocks[0].windows[0].ctypes.data
    assert inputs.lines is not None
    assert [(each.ctypes.data - first) // 64 for each in given] == inputs.lines
    assert len(given) == calls
    drawn = ceil(1000 / len(ORDERS[0])) * len(ORDERS[0])
    assert inputs.lines[drawn:] == inputs.lines[:-drawn]


def test_new_values_are_in_all_that_was_given() -> None:
    inputs = windowed(X)
    (given,) = inputs.take(1)
    before = given.copy()
    inputs.fill((3, 5))
    assert not np.array_equal(given, before)
    inputs.check_untouched()
    inputs._blocks[0]._own[0] = 7
    with pytest.raises(WrongAnswer, match="changes its input"):
        inputs.check_untouched()


def test_what_inputs_hold_is_not_known_by_the_places_alone() -> None:
    inputs, pool = windowed(X), np.random.default_rng(1).random(pool_size(X.size, 4), np.float32)
    held = []
    for _ in range(3):
        salt = inputs.fill((3, 5))
        assert np.array_equal(inputs._blocks[0].array, content(pool, moved((3, 5), salt)))
        held.append(inputs._blocks[0].array.tobytes())
    assert len(set(held)) == 3


def test_pairs_are_given_from_the_same_line() -> None:
    inputs = windowed(X, DY)
    for x, dy in inputs.take(20):
        lines = [
            (each.ctypes.data - block.windows[0].ctypes.data) // 64
            for each, block in zip((x, dy), inputs._blocks, strict=True)
        ]
        assert lines[0] == lines[1]


def test_who_makes_copies_gets_the_first_input_every_time() -> None:
    inputs = InputRotation(Device(), (X,), "hot", (np.zeros(pool_size(X.size, 4), np.float32),))  # type: ignore[arg-type]
    assert [given is inputs.first[0] for given in inputs.take(3)] == [True] * 3
    assert inputs.last_line is None
    inputs.fill((1, 2))
    assert np.array_equal(inputs.sources[0].arrays[0], X)


@pytest.mark.usefixtures("machine")
def test_a_cold_cache_has_copies_and_no_windows() -> None:
    pool = np.zeros(pool_size(125, 4), np.float32)
    cold = InputRotation(OnTheCpu(), (np.zeros(125, np.float32),), "cold", (pool,))  # type: ignore[arg-type]
    assert len(list(cold.take(7))) == 7
    assert cold.last_line is None


@pytest.mark.parametrize(
    ("on_device", "expected"), [(X, True), (X.copy(), False), (Pointed(X.ctypes.data), True), (Pointed(64), False),
                                (("a", X), False), (None, False), (X[...], True), (X[1:], False),
                                (SimpleNamespace(unsafe_buffer_pointer=lambda: X.ctypes.data), True),
                                (SimpleNamespace(data=X), True), (SimpleNamespace(data=X.copy()), False)]
)  # fmt: skip
def test_a_view_is_the_array_or_tells_its_place(on_device: Any, expected: bool) -> None:
    assert is_view(on_device, X) is expected
    assert is_view(on_device, X[:0])  # of which there is no memory


def test_each_window_comes_once_in_each_order_and_every_one_may_be_the_first() -> None:
    """Who keeps results by the window that they are of finds few again while no part of the block is renewed."""
    windows = len(ORDERS[0])
    assert all(sorted(order) == list(range(windows)) for order in ORDERS)
    assert len(set(map(tuple, ORDERS))) == len(ORDERS)
    assert {order[0] for order in ORDERS} == set(range(windows))
