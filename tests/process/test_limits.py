"""What a worker may take: computed from what is free, set for good, and measured from outside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from places import ROOT

from pointwise_bench.suites.harness.worker import limits, marked_processes, reaper
from pointwise_bench.suites.harness.worker.limits import Limits, present_limits, resident_bytes

MIB = 2**20

LIMITED = """
import mmap, resource, sys
from pointwise_bench.suites.harness.worker.limits import Limits
Limits(memory_bytes=300 * 2**20, file_bytes=1000).impose()
"""


def limited(statement: str) -> subprocess.CompletedProcess[str]:
    """What comes of ``statement`` under 300 MiB and files of 1000 bytes."""
    command = [sys.executable, "-c", LIMITED + statement]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)


def test_the_limit_is_half_of_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000 * MIB))
    monkeypatch.setattr(limits, "Path", lambda _: Path("/no/control/groups"))
    assert present_limits() == Limits(500 * MIB, 2**30)


@pytest.mark.parametrize(("name", "content", "expected"), [("memory.max", "400", 200), ("memory.max", "max", 500)])
def test_a_container_has_no_more_than_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str, expected: int
) -> None:
    (tmp_path / name).write_text(content + "\n")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    monkeypatch.setattr(limits, "Path", lambda _: tmp_path)
    assert present_limits().memory_bytes == expected


@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_DATA counts mapped memory on Linux only")
def test_memory_beyond_the_limit_is_a_memory_error() -> None:
    assert limited("bytearray(200 * 2**20)").returncode == 0
    assert "MemoryError" in limited("bytearray(400 * 2**20)").stderr


def test_address_space_that_is_only_reserved_is_free() -> None:
    """As CUDA and others do; under ``RLIMIT_AS`` this would fail."""
    done = limited("mmap.mmap(-1, 2**40, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0); print('reserved')")
    assert done.stdout == "reserved\n", done.stderr


def test_a_file_beyond_the_limit_is_an_error(tmp_path: Path) -> None:
    done = limited(f"with open({str(tmp_path / 'file')!r}, 'wb') as file: file.write(bytes(2000))")
    assert "File too large" in done.stderr
    assert (tmp_path / "file").stat().st_size <= 1000


@pytest.mark.parametrize("name", ["DATA", "FSIZE", "CORE"])
def test_no_limit_can_be_lifted(name: str) -> None:
    done = limited(f"print(len(set(resource.getrlimit(resource.RLIMIT_{name}))))")
    assert done.stdout == "1\n", done.stderr


def test_a_lower_limit_of_the_users_is_kept() -> None:
    statement = "Limits(memory_bytes=2**40).impose(); print(resource.getrlimit(resource.RLIMIT_DATA)[0] == 300 * 2**20)"
    assert limited(statement).stdout == "True\n"


@pytest.mark.skipif(not Path("/proc/self/oom_score_adj").exists(), reason="this system has no such score")
def test_when_memory_runs_out_the_kernel_ends_the_worker_first() -> None:
    assert limited("print(open('/proc/self/oom_score_adj').read().strip())").stdout == "1000\n"


HOLDING = """
import os, sys, time
held = b"x" * (100 * 2**20)
for _ in range(int(sys.argv[1])):
    if os.fork() == 0:
        break
os.write(1, b"ready" + bytes([10]))
time.sleep(1000)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("children", [0, 3])
def test_what_forked_children_share_is_counted_once(children: int) -> None:
    mark = f"test-{os.getpid()}-{children}/"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(children)],
        env=os.environ | {marked_processes.VARIABLE: mark},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        for _ in range(1 + children):
            assert process.stdout.readline() == "ready\n"
        assert len(marked_processes.carrying(mark)) == 1 + children
        assert 100 * MIB < resident_bytes(marked_processes.carrying(mark)) < 180 * MIB
    finally:
        reaper.kill_marked(mark)
        process.wait()
        process.stdout.close()
    assert resident_bytes(marked_processes.carrying(mark)) == 0
