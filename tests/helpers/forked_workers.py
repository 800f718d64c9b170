"""Workers that are forks of the process that asks them: no server of forks has to be started for a run of seconds.

As a pytest plugin (``-p forked_workers``) for whole runs, and as :func:`forked_workers` for a test's own process. What
a worker finds is what a started one finds, but for what shows in ``/proc`` of its start: command line, environment,
and the places of its memory. So whatever tests a start, how a worker is found, or what a plugin may read in it, has
started ones: ``tests/process``, the attacks, and a run of ``tests/run/test_run.py``.

Where lines are counted every process is started by itself: counting begins with the interpreter.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import pairwise
from types import SimpleNamespace
from typing import IO, Any, Final, NoReturn

import pytest
from forked_session import MEASURED

WORKER: Final = "pointwise_bench.suites.harness.worker.main"
LOADER: Final = "pointwise_bench.suites.harness.worker.plugin_loading"
PR_SET_NAME: Final = 15  # linux/prctl.h
LOOK_S: Final = 0.002  # between two looks for its end, as long as the harness waits for it


class ForkedWorker:
    """What ``subprocess.Popen`` is for a started worker, as far as the harness uses it."""

    def __init__(
        self, command: Sequence[str], variables: Mapping[str, str], descriptors: Sequence[int], output: IO[bytes]
    ) -> None:
        self.args = command
        self.returncode: int | None = None
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads of BLAS, which takes care of itself
            self.pid = os.fork()
        if self.pid == 0:
            _become(command, variables, descriptors, output.fileno())

    def poll(self) -> int | None:
        """The exit code, if it has ended."""
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, once it has ended; ``TimeoutExpired`` where it has not by then."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            if deadline is not None and time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
            time.sleep(LOOK_S)
        return code


def worker_name(parent: int) -> str:
    """What the system calls a forked worker of the process ``parent``: its command line is that of its harness."""
    return f"worker{parent}"


@contextmanager
def forked_workers(*programs: str) -> Iterator[None]:
    """Meanwhile ``programs`` are forks; without any, workers are. Plugins of other versions are started ones."""
    before = _fork(programs or (WORKER,))
    try:
        yield
    finally:
        before()


@pytest.hookimpl(tryfirst=True)  # before plugins are loaded
def pytest_configure() -> None:
    """For the whole session."""
    _fork((WORKER, LOADER))


def _fork(programs: tuple[str, ...]) -> Any:
    """Put forks in the place of starts; returns what puts the starts back."""
    from pointwise_bench.suites.harness.worker import handlers, pool, process

    assert handlers.HANDLERS, "imported before, so that no fork has to"
    started, can_fork = vars(process)["subprocess"], vars(pool)["can_fork"]

    def begun(command: list[str], **how: Any) -> Any:
        if command[2] not in programs or not _is_of_here(json.loads(command[3])["source"]):
            return started.Popen(command, **how)
        return ForkedWorker(command[2:], how["env"], how["pass_fds"], how["stdout"])

    def back() -> None:
        vars(process)["subprocess"] = started
        vars(pool)["can_fork"] = can_fork

    if MEASURED not in os.environ and sys.platform == "linux":
        fields = {name: getattr(started, name) for name in ("DEVNULL", "TimeoutExpired")}
        vars(process)["subprocess"] = SimpleNamespace(Popen=begun, **fields)
        vars(pool)["can_fork"] = lambda: False  # nor by a server, which would have to be started
    return back


def _is_of_here(source: Mapping[str, str]) -> bool:
    """Whether it is imported as in this process: not from another version, nor by another interpreter."""
    return not (source["code"] or source["python"] or source["suffix"])


# --- in the fork --------------------------------------------------------------------------------------------------


def _become(command: Sequence[str], variables: Mapping[str, str], descriptors: Sequence[int], output: int) -> NoReturn:
    """Whatever a process has from its start, and then its program, behind which nothing of the harness's runs."""
    code = 1
    try:
        gc.freeze()  # what is the harness's is not looked through, and so not copied
        faulthandler.disable()  # the worker enables it; where it is on, that leaves signals to compilers loaded since
        _be_started(command, variables, descriptors, output)
        program = importlib.import_module(command[0])
        program.main(command[1])
        code = 0
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _be_started(command: Sequence[str], variables: Mapping[str, str], descriptors: Sequence[int], output: int) -> None:
    start = json.loads(command[1])
    sys.settrace(None)
    sys.setprofile(None)
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_NAME, worker_name(start["parent"]).encode())
    _have_streams(descriptors, output)
    _have_signals()
    os.environ.clear()
    os.environ.update(variables)
    path = [each for each in variables.get("PYTHONPATH", "").split(os.pathsep) if each]
    sys.path[:] = [os.getcwd(), *dict.fromkeys(path)]  # noqa: PTH109  # as python -m has it
    sys.argv[:] = list(command)
    _forget_backends(start["source"])

    import threadpoolctl

    threadpoolctl.threadpool_limits(int(variables["OMP_NUM_THREADS"]))


def _have_streams(descriptors: Sequence[int], output: int) -> None:
    """Nothing to read, the log to write to, the channel and a lifeline, and no other file of the harness's."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, stream in ((0, nothing), (1, output), (2, output)):
        os.dup2(stream, number)
    bounds = [2, *sorted(descriptors), os.sysconf("SC_OPEN_MAX")]
    for below, above in pairwise(bounds):
        os.closerange(below + 1, above)
    for name, number, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        line_by_line = 1 if number == 2 else -1
        opened = open(number, mode, line_by_line, errors="backslashreplace", closefd=False)  # noqa: SIM115
        vars(sys)[name] = vars(sys)[f"__{name}__"] = opened


def _have_signals() -> None:
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _forget_backends(source: Mapping[str, str]) -> None:
    """Know no backends but those of ``source`` where it is a module of ours, which is imported: a worker loads one."""
    from pointwise_bench.backends import registry

    for name, entry in list(registry._entries.items()):
        if entry.source.kind == "built-in" and vars(entry.source) == dict(source):
            entry.instance = None
            continue
        del registry._entries[name]
        if entry.source.kind != "built-in":
            sys.modules.pop(entry.module or "", None)
    registry._load_elsewhere = None
    registry._discovered = False
