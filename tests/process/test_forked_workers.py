"""A worker that is a fork finds what a started one finds, and ends as it does."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from child_processes import becomes_true, is_gone
from forked_session import MEASURED
from forked_workers import forked_workers, worker_name
from other_runs import workers_of
from places import PLUGINS

from pointwise_bench.backends import Source, registry
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker import limits, marked_processes, process, watchdog
from pointwise_bench.suites.harness.worker.client import WorkerClient

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or MEASURED in os.environ, reason="there are forks on Linux, where no lines are counted"
)

PATIENCE_S = 60.0
TELLS = """
import faulthandler, json, os, resource, signal, sys, threading
from pathlib import Path
from pointwise_bench import Backend, register

AT_IMPORT = sorted(name for name in sys.modules if name.startswith("pointwise_bench.suites.harness"))

@register
class Tells(Backend):
    name = "tells-in-tests"

    def missing(self):
        import numpy, threadpoolctl
        from pointwise_bench.backends import registry
        print("to the log", flush=True)
        descriptors = [int(name) for name in os.listdir("/proc/self/fd")]
        (Path(__file__).parent / "logs" / "told.json").write_text(json.dumps({
            "path": sys.path, "folder": os.getcwd(), "read": sys.stdin.read(),
            "variables": {name: value for name, value in os.environ.items() if not name.startswith("LC_")},
            "signals": {number: str(signal.getsignal(number)) for number in signal.valid_signals()},
            "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
            "limits": [resource.getrlimit(number) for number in range(11)],
            "files": [os.readlink(f"/proc/self/fd/{number}") for number in (0, 1, 2)],
            "others": sum(os.path.exists(f"/proc/self/fd/{number}") for number in descriptors if number > 2),
            "leads": os.getpid() == os.getsid(0) == os.getpgid(0),
            "backends": sorted(registry._entries), "faults": faulthandler.is_enabled(),
            "blas": [each["num_threads"] for each in threadpoolctl.threadpool_info()],
            "threads": threading.active_count(), "switch": sys.getswitchinterval(), "parent": os.getppid(),
        }))
        return None

    def prepare(self, problem, weight, bias, threads): ...
"""


@contextmanager
def worker(name: str, plugin: Path, folder: Path, *, forked: bool, source: Source | None = None) -> Iterator[Any]:
    folder.mkdir(exist_ok=True)
    with forked_workers() if forked else nullcontext():
        client = WorkerClient(
            name,
            source or Source("plugin", str(plugin)),
            1,
            folder / "log",
            variables={"ONE_MORE": "1"},
            temporary=folder,
        )
    try:
        yield client
    finally:
        client.kill()


def told(tmp_path: Path, *, forked: bool) -> dict[str, Any]:
    plugin = tmp_path / "tells.py"
    plugin.write_text(TELLS)
    with worker("tells-in-tests", plugin, tmp_path / "logs", forked=forked) as client:
        assert client.missing(PATIENCE_S) is None
        assert (worker_name(os.getpid()) == Path(f"/proc/{client.pid}/comm").read_text().strip()) is forked
        assert workers_of(os.getpid()) == [client.pid]
        assert client.pid in marked_processes.carrying(client._process._mark)
    assert is_gone(client.pid)
    assert (tmp_path / "logs" / "log").read_text().endswith("to the log\n")
    found: dict[str, Any] = json.loads((tmp_path / "logs" / "told.json").read_text())
    return found


def test_a_fork_finds_what_a_start_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the harness has files open, knows the plugin by another process, and has a hook of its own."""
    monkeypatch.setattr(limits, "present_limits", lambda: limits.Limits(memory_bytes=2**30, file_bytes=2**25))
    own = registry.names()
    # A test run in the background ignores them, and compilers that a test has loaded then answer them in its place.
    usual: dict[signal.Signals, Any] = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGQUIT: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in usual.items()}
    with (tmp_path / "open").open("w"):
        found = [told(tmp_path, forked=forked) for forked in (False, True)]
    for number, handler in before.items():
        signal.signal(number, handler)
    for each in found:
        each["variables"].pop(marked_processes.VARIABLE)  # of this one
        each["limits"].pop(marked_processes.RLIMIT_LOCKS)
        each["variables"] = {name: value for name, value in each["variables"].items() if "x" * 8 not in value}
    started, fork = found
    assert fork["blas"] == [1 for _ in fork["blas"]]
    assert {**fork, "blas": []} == {**started, "blas": []}
    assert fork["backends"] == ["tells-in-tests"]
    assert registry.names() == own


@pytest.mark.parametrize("name", ["segfaults", "exits", "closes-all-descriptors"])
def test_a_fork_ends_as_a_start_does(name: str, tmp_path: Path) -> None:
    from pointwise_bench.backends import Problem
    from pointwise_bench.suites.harness.verify.cases import CaseSet
    from pointwise_bench.suites.harness.worker.client_protocol import SharedCases

    problem = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4)
    cases = SharedCases(problem, CaseSet.of(problem, seed=1))
    ends = []
    for forked in (False, True):
        with worker(name, PLUGINS / "misbehaving.py", tmp_path, forked=forked) as client:
            with pytest.raises(Ended) as caught:
                client.set_up(cases, PATIENCE_S)
            ends.append((caught.value.status, caught.value.reason))
    cases.close()
    assert ends[0] == ends[1]


def test_a_backend_of_ours_is_the_one_that_is_imported(tmp_path: Path) -> None:
    source = registry.source("numpy-matmul")
    with worker("numpy-matmul", Path(), tmp_path, forked=True, source=source) as client:
        assert client.missing(PATIENCE_S) is None


def test_it_dies_with_the_process_that_forked_it(tmp_path: Path) -> None:
    harness = os.fork()
    if harness == 0:
        watchdog.the_watchdog.cache_clear()  # that of the tests must not end with it
        try:
            with worker("spins", PLUGINS / "misbehaving.py", tmp_path, forked=True) as client:
                (tmp_path / "pid").write_text(str(client.pid))
                client.missing(PATIENCE_S)
                os._exit(0)  # without ending it
        finally:
            os._exit(1)
    _, status = os.waitpid(harness, 0)
    assert status == 0
    assert becomes_true(lambda: is_gone(int((tmp_path / "pid").read_text())))


def test_what_is_of_another_version_is_started_and_all_is_afterwards(tmp_path: Path) -> None:
    before = vars(process)["subprocess"]
    with forked_workers(), forked_workers("another.program"):
        assert vars(process)["subprocess"] is not before
    assert vars(process)["subprocess"] is before
    source = Source("plugin", str(PLUGINS / "misbehaving.py"), suffix="-before")
    with worker("wanders-before", Path(), tmp_path, forked=True, source=source) as client:
        assert client.missing(PATIENCE_S) is None
        assert worker_name(os.getpid()) != Path(f"/proc/{client.pid}/comm").read_text().strip()
