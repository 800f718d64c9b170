"""Processes are found by the mark that they were started with, wherever they went, and nobody else is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from child_processes import FORKS, RUNS_AWAY, SLEEPS, becomes_true, end, program

from pointwise_bench.suites.harness.worker import marked_processes
from pointwise_bench.suites.harness.worker.marked_processes import (
    VARIABLE,
    all_pids,
    carrying,
    carrying_among,
    has_stopped,
    newest_pid,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

MARK = f"{os.getpid()}-a-test/"


def test_a_marked_process_is_found_and_one_of_another_mark_is_not() -> None:
    with program(SLEEPS, **{VARIABLE: f"{MARK}1/"}) as (one, _), program(SLEEPS, **{VARIABLE: f"{MARK}2/"}) as (two, _):
        assert carrying(f"{MARK}1/") == [one.pid]
        assert carrying(MARK) == sorted([one.pid, two.pid])
        assert carrying(f"{MARK}3/") == []
        assert carrying_among(f"{MARK}1/", {one.pid, two.pid, os.getpid(), 1}) == [one.pid]
    assert carrying(MARK) == []


def test_the_mark_is_the_beginning_of_the_value() -> None:
    """Of mark 1/ the first worker is meant and not the eleventh."""
    with program(SLEEPS, **{VARIABLE: f"{MARK}11/"}):
        assert carrying(f"{MARK}1/") == []
    with program(SLEEPS, **{f"NOT_{VARIABLE}X": MARK}):
        assert carrying(MARK) == []


@pytest.mark.parametrize("text", [FORKS, RUNS_AWAY], ids=["a child", "one that ran away"])
def test_children_are_found_in_whichever_group_they_are(text: str) -> None:
    with program(text, **{VARIABLE: MARK}) as (parent, child):
        try:
            assert carrying(MARK) == sorted([parent.pid, int(child)])
        finally:
            end(int(child))


UNMARKED_CHILD = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)"], env={})
print(child.pid, flush=True)
time.sleep(1000)
"""


def test_a_program_with_an_environment_of_its_own_is_found_by_its_ancestor() -> None:
    with program(UNMARKED_CHILD, **{VARIABLE: MARK}) as (parent, child):
        try:
            assert carrying(MARK) == sorted([parent.pid, int(child)])
            assert carrying_among(MARK, {int(child)}) == [int(child)]
        finally:
            end(int(child))


ADOPTS = """
import os, subprocess, sys, time
from pointwise_bench.suites.harness.worker.marked_processes import adopt_orphans
if sys.argv[1] == "adopts":
    adopt_orphans()
command = "import os, time\\nif os.fork() == 0:\\n print(os.getpid(), flush=True); time.sleep(1000)"
print(subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE).stdout.readline().decode(), flush=True)
time.sleep(1000)
"""


@pytest.mark.parametrize(("word", "is_parent"), [("adopts", True), ("does not", False)])
def test_an_orphan_has_the_parent_that_adopts_it(word: str, is_parent: bool) -> None:
    """Without that, a program with an environment of its own could not be found once its parent has ended."""
    with program(ADOPTS, word, PYTHONPATH=os.pathsep.join(sys.path)) as (parent, orphan):
        try:
            parents = marked_processes._parents()
            assert becomes_true(lambda: (marked_processes._parents()[int(orphan)] == parent.pid) is is_parent), parents
        finally:
            end(int(orphan))


LEAVES_EVERYTHING = """
import os, sys, time
from pointwise_bench.suites.harness.worker.marked_processes import brand
brand(sys.argv[1])
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        told = "import os, time; print(os.getpid(), flush=True); time.sleep(1000)"
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", told], {})
    os._exit(0)
os.wait()
time.sleep(1000)
"""


def test_a_daemon_without_environment_group_and_parent_is_found_by_its_limits() -> None:
    """By its worker's mark, and by that of the run; not by a neighbour's or another run's."""
    with program(LEAVES_EVERYTHING, f"{MARK}7/", PYTHONPATH=os.pathsep.join(sys.path)) as (first, daemon):
        pid = int(daemon)
        try:
            assert becomes_true(lambda: marked_processes._parents().get(pid) != first.pid)
            assert not marked_processes._read(f"/proc/{pid}/environ")
            assert carrying(f"{MARK}7/") == carrying(MARK) == sorted([first.pid, pid])
            assert carrying(f"{MARK}8/") == carrying(f"{os.getpid()}-another/") == []
        finally:
            end(pid)


def test_no_two_marks_have_one_number_and_a_run_has_those_of_its_workers() -> None:
    low, high = marked_processes._numbers(MARK)
    numbers = [marked_processes._numbers(f"{MARK}{number}/") for number in range(50)]
    assert numbers == [(low + number, low + number + 1) for number in range(50)]
    assert low > 0
    assert high < 2**63  # what an unlimited one is at least
    others = {marked_processes._numbers(f"1-{number:x}/")[0] for number in range(2000)}
    assert len(others) == 2000


def test_a_process_that_has_ended_is_not_found_although_nobody_waited_for_it() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""], env={VARIABLE: MARK})
    assert becomes_true(lambda: process.pid not in marked_processes._parents())
    assert process.pid in all_pids()
    process.wait()
    assert process.pid not in all_pids()


def test_our_own_process_is_among_all_and_never_among_the_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness is the ancestor of its workers, and would end itself."""
    assert {os.getpid(), os.getppid()} <= all_pids()
    monkeypatch.setattr(marked_processes, "_parents", lambda: {os.getpid(): 1, 7: 3})
    monkeypatch.setattr(marked_processes, "_read", lambda path: f"{VARIABLE}={MARK}".encode())
    assert carrying(MARK) == [7]


def test_a_name_may_hold_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """proc(5): state and parent follow the name, which a process chooses: here one that looks like the rest."""
    monkeypatch.setattr(marked_processes, "_read", lambda path: b"12 (a) S 1 (b) T 2) R 345 12 12 0 -1")
    assert marked_processes._state_and_parent(12) == (b"R", 345)
    monkeypatch.setattr(marked_processes, "_read", lambda path: b"")
    assert marked_processes._state_and_parent(12) == (b"", 0)


def test_a_start_of_a_process_or_a_thread_shows_in_the_newest_number() -> None:
    before = newest_pid()
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    assert int(newest_pid()) != int(before)


MANY_THREADS = """
import threading, time
threading.stack_size(65536)
for _ in range(500):
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
print('ready', flush=True)
time.sleep(1000)
"""


def test_a_process_has_stopped_when_all_of_its_threads_have() -> None:
    """Its own state is that of its first thread, which stops before most of the others are woken for it."""
    with program(MANY_THREADS) as (many, _):
        running = list[str]()
        for _ in range(10):
            assert not has_stopped(many.pid)
            os.kill(many.pid, signal.SIGSTOP)
            while not has_stopped(many.pid):
                pass
            for task in Path(f"/proc/{many.pid}/task").iterdir():
                state = (task / "stat").read_text().rpartition(") ")[2][:1]
                running += [task.name] * (state != "T")
            os.kill(many.pid, signal.SIGCONT)
        assert not running


def test_who_has_ended_has_stopped() -> None:
    with program(SLEEPS) as (one, _):
        assert not has_stopped(one.pid)
    assert has_stopped(one.pid)
