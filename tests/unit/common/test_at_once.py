"""Jobs shared among processes: results in order, errors raised here, and nothing left behind."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import sleep

import psutil
import pytest

from pointwise_bench.common import at_once as at_once_module
from pointwise_bench.common.at_once import at_once, at_once_by_list


@pytest.fixture(autouse=True)
def three_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many cores and threads the process has that runs the tests."""
    monkeypatch.setattr(at_once_module, "available_cores", lambda: 3)
    monkeypatch.setattr(threading, "active_count", lambda: 1)


def meet(folder: Path, number: int, others: int) -> tuple[int, int]:
    """A job that ends when all others have begun: it can do so only beside them."""
    (folder / str(number)).touch()
    while len(list(folder.iterdir())) < others:
        sleep(0.001)
    return number, os.getpid()


def fall(number: int) -> int:
    """One of two that cannot be done."""
    if number in (3, 7):
        raise ValueError(number)
    return number


def die_elsewhere(home: int, number: int) -> int:
    """Kills every process but the one that asked."""
    if os.getpid() != home:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def test_results_come_in_the_order_of_jobs_that_ran_beside_each_other(tmp_path: Path) -> None:
    found = at_once([partial(meet, tmp_path, number, 3) for number in range(3)])
    assert [number for number, _ in found] == [0, 1, 2]
    assert len({process for _, process in found}) == 3


def test_the_jobs_of_several_lists_are_all_beside_each_other_and_keep_their_lists(tmp_path: Path) -> None:
    jobs = [partial(meet, tmp_path, number, 3) for number in range(3)]
    found = at_once_by_list([jobs[:1], [], jobs[1:]])
    assert [[number for number, _ in one] for one in found] == [[0], [], [1, 2]]
    assert len({process for one in found for _, process in one}) == 3


def test_more_jobs_than_tickets_are_all_done_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(at_once_module, "_MOST_TICKETS", 4)

    def counted(number: int) -> int:
        with (tmp_path / str(number)).open("a") as file:
            file.write("x")
        return number

    assert at_once([partial(counted, number) for number in range(11)]) == list(range(11))
    assert [(tmp_path / str(number)).read_text() for number in range(11)] == ["x"] * 11


def test_the_first_error_by_the_order_of_jobs_is_raised_and_no_process_is_left() -> None:
    before = set(psutil.Process().children())  # another test's, such as a server of forks
    with pytest.raises(ValueError, match="3"):
        at_once([partial(fall, number) for number in range(9)])
    assert set(psutil.Process().children()) <= before


def test_what_a_killed_helper_had_taken_is_done_again() -> None:
    home = os.getpid()
    assert at_once([partial(die_elsewhere, home, number) for number in range(50)]) == list(range(50))


def test_a_result_that_cannot_be_sent_is_made_again_where_it_is_wanted() -> None:
    def maker(number: int) -> Callable[[], int]:
        return lambda: number

    makers = at_once([partial(maker, number) for number in (1, 2, 3)])
    assert [make() for make in makers] == [1, 2, 3]


def test_a_job_starts_no_helpers_whoever_does_it(tmp_path: Path) -> None:
    def outer(number: int) -> bool:
        _, me = meet(tmp_path, number, 3)
        return set(at_once([os.getpid] * 6)) == {me}

    assert at_once([partial(outer, number) for number in range(3)]) == [True] * 3
    again = tmp_path / "again"
    again.mkdir()
    found = at_once([partial(meet, again, number, 3) for number in range(3)])
    assert len({process for _, process in found}) == 3


@pytest.mark.parametrize("because", ["small", "threads", "system"])
def test_nothing_is_forked_where_it_is_not_worth_it_or_not_safe(because: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: dict[str, Callable[[], None]] = {
        "small": lambda: None,
        "threads": lambda: monkeypatch.setattr(threading, "active_count", lambda: 2),
        "system": lambda: monkeypatch.setattr(sys, "platform", "darwin"),
    }
    changes[because]()
    assert set(at_once([os.getpid] * 6, worth_it=because != "small")) == {os.getpid()}
