"""What the calls of a turn are given: one input over and over, or more of them than the caches hold, in turn."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import psutil
import pytest

from pointwise_bench.suites.harness.record.ended import WrongAnswer
from pointwise_bench.suites.harness.timing import input_rotation
from pointwise_bench.suites.harness.timing.input_rotation import InputRotation, cold_copies

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
