"""Untimed requests beside each other: all are asked, who fails costs nobody else, and no more at once than allowed."""

from __future__ import annotations

import threading
import time

import pytest

from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker.side_by_side import side_by_side


class Overlapping:
    """Counts how many calls are under way, and for each number of calls at once whether it was reached."""

    def __init__(self, fails: set[int] = frozenset()) -> None:  # type: ignore[assignment]  # an empty set
        self.fails = fails
        self.now = self.most = 0
        self.asked: list[int] = []
        self.threads: set[int] = set()
        self._lock = threading.Lock()

    def __call__(self, one: int) -> None:
        """A hundredth of a second."""
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.asked.append(one)
            self.threads.add(threading.get_ident())
        time.sleep(0.01)
        with self._lock:
            self.now -= 1
        if one in self.fails:
            raise Ended("failed", f"number {one}")


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_as_many_at_once_as_allowed(at_once: int) -> None:
    ask = Overlapping()
    found = side_by_side(ask, range(10), at_once)
    assert [one for one, _ in found] == list(range(10))
    assert sorted(ask.asked) == list(range(10))
    assert ask.most == at_once


def test_one_at_once_is_asked_by_the_thread_that_asks() -> None:
    """A debugger stops there, and a library that is imported in this process stays with its main thread."""
    ask = Overlapping()
    side_by_side(ask, range(3), 1)
    assert ask.threads == {threading.get_ident()}


def test_who_ends_is_told_and_costs_nobody_else() -> None:
    found = side_by_side(Overlapping({1, 3}), range(5), 2)
    assert [None if ended is None else ended.reason for _, ended in found] == [None, "number 1", None, "number 3", None]


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize(
    ("error", "status"), [(ZeroDivisionError("a slip"), "failed"), (MemoryError("no more"), "out-of-memory")]
)
def test_what_fails_in_the_harness_itself_is_an_end_too_and_costs_nobody_else(
    error: Exception, status: str, at_once: int
) -> None:
    def slip(one: int) -> None:
        if one == 2:
            raise error

    ends = [ended for _, ended in side_by_side(slip, range(4), at_once)]
    assert [ended is None for ended in ends] == [True, True, False, True]
    assert ends[2] is not None
    assert (ends[2].status, ends[2].alive) == (status, False)
    assert ends[2].reason.startswith(f"the harness itself: {type(error).__name__}: {error}")


def test_an_interruption_waits_for_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C raises while the results are awaited: the threads end when their workers are killed, later."""
    over = threading.Event()

    def wait(one: int) -> None:
        if one == 0:
            raise KeyboardInterrupt  # what the main thread would see at its next result
        over.wait(10.0)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        side_by_side(wait, range(4), 2)
    assert time.monotonic() - began < 5.0
    over.set()
