"""Locks: one holder at a time, who is named; a dead one hinders nobody, whatever file it has left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pointwise_bench.suites.harness.record import locks
from pointwise_bench.suites.harness.record.locks import MACHINE_LOCK, Lock, LockedByAnother, machine_lock

HOLDING = """
import sys, time
from pathlib import Path
from pointwise_bench.suites.harness.record.locks import Lock
lock = Lock.take(Path(sys.argv[1]), "since noon")
print("held", flush=True)
time.sleep(100)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.lock"


@contextmanager
def another_holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_one_is_refused_and_told_who_holds_it(path: Path) -> None:
    with another_holder(path) as holder:
        for _ in range(2):
            with pytest.raises(LockedByAnother) as caught:
                Lock.take(path, "now")
            assert str(caught.value) == f"process {holder.pid} (since noon)"
        assert path.exists()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_is_killed_lets_go_though_its_file_stays(path: Path, number: signal.Signals) -> None:
    with another_holder(path) as holder:
        holder.send_signal(number)
        holder.wait()
        assert path.exists()
        Lock.take(path, "now").release()


def test_who_lets_go_removes_the_file_and_may_take_it_again(path: Path) -> None:
    lock = Lock.take(path, "now")
    assert path.read_text() == f"process {os.getpid()} (now)\n"
    lock.release()
    assert not path.exists()
    lock.release()
    Lock.take(path, "again").release()


def test_a_file_that_was_removed_under_somebody_who_waited_locks_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening and locking, the last holder lets go: a third process makes a new file, and holds that."""
    path.touch()
    opened: list[int] = []
    real = os.open

    def slow(name: Path, *arguments: int) -> int:
        descriptor = real(name, *arguments)
        if not opened:
            path.unlink()
        opened.append(descriptor)
        return descriptor

    monkeypatch.setattr(os, "open", slow)
    lock = Lock.take(path, "now")
    assert len(opened) == 2
    assert path.exists()
    with pytest.raises(LockedByAnother):
        Lock.take(path, "too late")
    lock.release()


def test_what_the_holder_has_written_is_made_one_short_line(path: Path) -> None:
    with another_holder(path):
        path.write_text("a\n\x1b[31mb\N{RIGHT-TO-LEFT OVERRIDE}" + "c" * 5000)
        with pytest.raises(LockedByAnother) as caught:
            Lock.take(path, "now")
        assert str(caught.value).startswith("a [31mb c")
        assert len(str(caught.value)) <= 300
        assert str(caught.value).isprintable()
        path.write_text("")
        with pytest.raises(LockedByAnother, match=r"^another process$"):
            Lock.take(path, "now")


def test_a_link_or_a_pipe_in_the_place_of_the_file_is_an_error_and_not_followed(path: Path) -> None:
    path.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(OSError):
        Lock.take(path, "now")
    assert not path.with_name("elsewhere").exists()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(OSError):
        Lock.take(path, "now")


def test_there_is_one_lock_for_a_machine_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MACHINE_LOCK)  # the tests have one of their own
    usual = machine_lock()
    assert usual.parent.is_dir()
    monkeypatch.setattr(tempfile, "tempdir", "/another/folder")  # of a job, or of a user, who measures here as well
    assert machine_lock() == usual
    monkeypatch.setenv(MACHINE_LOCK, "/else/where")
    assert machine_lock() == Path("/else/where")


def test_a_file_that_is_named_needs_no_folder_for_temporary_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_writable() -> str:
        raise FileNotFoundError("no usable temporary directory found")

    monkeypatch.setattr(locks, "SHARED", Path("/there/is/none"))
    monkeypatch.setattr(tempfile, "gettempdir", none_writable)
    monkeypatch.setenv(MACHINE_LOCK, "/else/where")
    assert machine_lock() == Path("/else/where")
