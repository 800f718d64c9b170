"""Which cores a budget is timed on, worked out for eight of them, and threads that are moved for real."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.machine import affinity
from pointwise_bench.suites.harness.machine.affinity import cores_of, keep_to, kept_to

CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")
EIGHT = [0, 1, 2, 3, 8, 9, 10, 11]  # as on a machine that lent us some of its cores


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "core_numbers", lambda: list(EIGHT))


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("threads", "passes"),
    [
        (1, [[11], [10], [9], [8], [3], [2], [1], [0], [11]]),
        (3, [[9, 10, 11], [2, 3, 8], [0, 1, 11], [8, 9, 10]]),
        (4, [[8, 9, 10, 11], [0, 1, 2, 3], [8, 9, 10, 11]]),
        (7, [[1, 2, 3, 8, 9, 10, 11], [0, 2, 3, 8, 9, 10, 11]]),
    ],
)
def test_every_pass_takes_the_next_cores_from_the_end(threads: int, passes: list[list[int]]) -> None:
    """The last first: the system's own work tends to be on the first."""
    assert [cores_of(threads, number) for number in range(len(passes))] == passes


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize("threads", [8, 9, 100])
def test_where_all_are_used_there_is_nothing_to_choose(threads: int) -> None:
    assert cores_of(threads, 0) is None


def test_a_system_that_does_not_let_us_choose_keeps_nobody_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(affinity, "core_numbers", list)
    assert cores_of(1, 0) is None


@pytest.fixture
def waiting() -> object:
    """A thread that waits, as those of a pool do."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    before = os.sched_getaffinity(0)
    thread.start()
    yield thread
    os.sched_setaffinity(0, before)
    over.set()
    thread.join()


@pytest.mark.skipif(not affinity.TASKS.exists(), reason="no list of threads on this system")
def test_every_thread_is_kept(waiting: threading.Thread) -> None:
    everywhere, one = os.sched_getaffinity(0), min(os.sched_getaffinity(0))
    assert waiting.native_id is not None
    keep_to([one])
    assert os.sched_getaffinity(0) == os.sched_getaffinity(waiting.native_id) == {one}
    keep_to(sorted(everywhere))
    assert os.sched_getaffinity(0) == os.sched_getaffinity(waiting.native_id) == everywhere


@pytest.mark.skipif(not affinity.TASKS.exists(), reason="no list of threads on this system")
def test_every_thread_is_where_it_was_afterwards_whatever_happened(waiting: threading.Thread) -> None:
    everywhere, one = os.sched_getaffinity(0), min(os.sched_getaffinity(0))
    assert waiting.native_id is not None
    with pytest.raises(ZeroDivisionError), kept_to([one]):
        assert os.sched_getaffinity(0) == os.sched_getaffinity(waiting.native_id) == {one}
        raise ZeroDivisionError
    assert os.sched_getaffinity(0) == os.sched_getaffinity(waiting.native_id) == everywhere
    with kept_to(None):
        assert os.sched_getaffinity(0) == everywhere


def test_a_thread_that_has_just_ended_stops_nobody_else_from_being_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    moved = []

    def move(task: int, cores: list[int]) -> None:
        if task == 7:
            raise ProcessLookupError
        moved.append((task, cores))

    for task in (5, 7, 9):
        (tmp_path / str(task)).mkdir()
    monkeypatch.setattr(affinity, "TASKS", tmp_path)
    monkeypatch.setattr(os, "sched_setaffinity", move, raising=False)
    keep_to([3])
    assert sorted(moved) == [(5, [3]), (9, [3])]


@pytest.mark.skipif(not CHILDREN.exists(), reason="the kernel does not tell whom a thread has started")
def test_processes_that_were_started_are_kept_with_their_descendants() -> None:
    """One that computed for its backend had a core to itself, and a third of the time less on one thread."""
    before = os.sched_getaffinity(0)
    last = max(before)
    with subprocess.Popen(["sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        started = [child.pid, int(child.stdout.readline())]
        try:
            with kept_to([last]):  # as the harness is, whose workers are on cores of their own
                assert [os.sched_getaffinity(each) for each in started] == [before, before]
            with kept_to([last], started=True):
                assert [os.sched_getaffinity(each) for each in started] == [{last}, {last}]
            assert [os.sched_getaffinity(each) for each in started] == [before, before]
        finally:
            for each in started:
                os.kill(each, signal.SIGKILL)
