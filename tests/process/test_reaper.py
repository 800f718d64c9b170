"""Killing a worker with everything that it has started, from the harness and from the watchdog's own program."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain, repeat
from pathlib import Path

import psutil
import pytest
from child_processes import FORKS, RUNS_AWAY, SLEEPS, becomes_true, end, is_gone, program

from pointwise_bench.suites.harness.worker import marked_processes, reaper
from pointwise_bench.suites.harness.worker.marked_processes import VARIABLE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

MARK = f"{os.getpid()}-a-reaper/"


@pytest.mark.parametrize("text", [FORKS, RUNS_AWAY], ids=["a child", "one that ran away"])
def test_a_group_is_killed_with_whatever_left_it_and_nobody_else(text: str) -> None:
    with (
        program(SLEEPS, **{VARIABLE: f"{MARK}2/"}) as (other, _),
        program(text, **{VARIABLE: f"{MARK}1/"}) as (one, child),
    ):
        reaper.kill(one.pid, f"{MARK}1/")
        assert one.wait(timeout=5) == -signal.SIGKILL
        assert becomes_true(lambda: is_gone(int(child)))
        assert not is_gone(other.pid)


def test_a_group_that_was_stopped_is_killed_too() -> None:
    with program(FORKS, **{VARIABLE: MARK}) as (parent, child):
        os.killpg(parent.pid, signal.SIGSTOP)
        reaper.kill(parent.pid, MARK)
        assert becomes_true(lambda: is_gone(int(child)))


def test_processes_that_were_started_meanwhile_are_killed_at_the_next_look(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: Iterator[list[int]] = chain([[7, 8], [9]], repeat([]))
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(marked_processes, "carrying", lambda mark, worker: next(looks))
    monkeypatch.setattr(reaper, "send", lambda pid, number: killed.append((pid, number)))
    reaper.kill_marked(MARK)
    assert killed == [(7, signal.SIGKILL), (8, signal.SIGKILL), (9, signal.SIGKILL)]


CHAIN = """
import os, sys, time
from pointwise_bench.suites.harness.worker.marked_processes import brand
brand(sys.argv[1])
if os.fork() == 0:
    os.setsid()
    ends = time.monotonic() + 20
    links = "import os, time\\nprint('begun', flush=True)\\nwhile time.monotonic() < %f:\\n if os.fork():\\n"
    links += "  os._exit(0)\\n os.setsid()"
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", links % ends], {})
time.sleep(1000)
"""


def test_a_chain_of_processes_that_is_gone_from_every_list_is_killed() -> None:
    """It holds its output, which ends with its last link."""
    with program(CHAIN, f"{MARK}5/", PYTHONPATH=os.pathsep.join(sys.path)) as (first, begun):
        assert begun == "begun"
        reaper.kill(first.pid, f"{MARK}5/")
        assert first.stdout is not None
        ended, _, _ = select.select([first.stdout], [], [], 5.0)
        assert ended
        assert first.stdout.read() == ""


def test_who_cannot_be_killed_costs_a_limited_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaper, "LONGEST_S", 0.05)
    monkeypatch.setattr(marked_processes, "carrying", lambda mark, worker: [2**22 + 1])  # beyond the largest number
    reaper.kill_marked(MARK)


def test_a_process_that_is_gone_is_no_error_and_has_no_group() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    reaper.send(process.pid, signal.SIGTERM)
    assert reaper.group_of(process.pid) == 0
    assert reaper.group_of(os.getpid()) == os.getpgid(0)


# --- as a program -------------------------------------------------------------------------------------------------


def watchdog(mark: str) -> subprocess.Popen[bytes]:
    """The program as the harness starts it."""
    command = [sys.executable, "-I", "-S", reaper.__file__, mark]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", start_new_session=True)


def test_the_end_of_its_input_ends_the_groups_it_was_told_of_and_all_that_is_marked() -> None:
    """The first group is told and forgotten again, the second told, the third only marked."""
    with (
        program(SLEEPS) as (forgotten, _),
        program(SLEEPS) as (told, _),
        program(RUNS_AWAY, **{VARIABLE: MARK}) as (one, child),
    ):
        process = watchdog(MARK)
        try:
            _, errors = process.communicate(f"+{forgotten.pid}\n+{told.pid}\n-{forgotten.pid}\n".encode(), timeout=20)
            assert (process.returncode, errors) == (0, b"")
            assert told.wait(timeout=5) == one.wait(timeout=5) == -signal.SIGKILL
            assert becomes_true(lambda: is_gone(int(child)))
            assert not is_gone(forgotten.pid)
        finally:
            end(int(child))


def test_the_end_of_its_input_deletes_the_folders_it_was_told_of_and_follows_no_link(tmp_path: Path) -> None:
    told, forgotten, others = tmp_path / "told\nof", tmp_path / "forgotten", tmp_path / "others"
    for folder in (told, forgotten, others):
        folder.mkdir()
        (folder / "file").touch()
    (told / "link").symlink_to(others)
    lines = [(">", told), (">", forgotten), ("<", forgotten), (">", tmp_path / "gone")]
    process = watchdog(MARK)
    _, errors = process.communicate("".join(f"{sign}{os.fsencode(folder).hex()}\n" for sign, folder in lines).encode())
    assert (process.returncode, errors) == (0, b"")
    assert not told.exists()
    assert sorted(path.name for path in tmp_path.rglob("file")) == ["file"] * 2


def test_it_ignores_what_a_terminal_sends() -> None:
    process = watchdog(MARK)
    handled = "SigIgn:"
    status = Path(f"/proc/{process.pid}/status")

    def ignores(number: int) -> bool:
        (line,) = [line for line in status.read_text().splitlines() if line.startswith(handled)]
        return bool(int(line.split()[1], 16) >> (number - 1) & 1)

    try:
        assert becomes_true(lambda: all(map(ignores, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(number)
        assert psutil.Process(process.pid).is_running()
        process.communicate(b"", timeout=20)
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()
