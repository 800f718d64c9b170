"""A child process that is asked: how it is stopped between two requests, and how every end of it is told."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import psutil
import pytest
from child_processes import becomes_true, is_gone

from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker import limits, process as process_module
from pointwise_bench.suites.harness.worker.process import ChildProcess
from pointwise_bench.suites.harness.worker.started import started_processes
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkServer, ServerGone

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads the state of processes in /proc")

PATIENCE_S = 30.0
# A child that does what it is told to: "say" is executed, and what it leaves in "answer" is the reply.
MODULE = """
import ctypes, json, os, signal, socket, sys, time
from pointwise_bench.suites.harness.worker.channel import Channel
start = json.loads(sys.argv[1])
channel = Channel(socket.socket(fileno=start["descriptor"]))
while True:
    message, descriptors = channel.receive()
    space = {"start": start, "channel": channel, "descriptors": descriptors, "answer": {"value": None}, "attached": ()}
    exec(message["say"], globals(), space)
    channel.send(space["answer"], space["attached"])
"""

Start = Callable[..., ChildProcess]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts such a child, and ends it after the test."""
    (tmp_path / "told_what_to_do.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    children: list[ChildProcess] = []

    def start(**variables: str) -> ChildProcess:
        arguments = {"a word": "of ours"}
        children.append(ChildProcess("told_what_to_do", arguments, 3, tmp_path / "log", variables))
        return children[-1]

    yield start
    for child in children:
        child.kill()


def ask(child: ChildProcess, say: str, timeout_s: float = PATIENCE_S, do: str = "turn") -> Any:
    value, attached = child.ask({"do": do, "say": say}, timeout_s)
    assert attached == []
    return value


def ended(child: ChildProcess, say: str, timeout_s: float = PATIENCE_S) -> Ended:
    """How asking ends."""
    with pytest.raises(Ended) as caught:
        ask(child, say, timeout_s)
    return caught.value


def test_a_child_has_its_arguments_its_budget_and_its_variables(start: Start) -> None:
    child = start(OF_OURS="kept")
    told = ask(child, "answer = {'value': start}")
    assert told["a word"] == "of ours"
    assert told["parent"] == os.getpid()
    assert told["limits"].keys() == {"memory_bytes", "file_bytes"}
    assert ask(child, "answer = {'value': [os.environ['OMP_NUM_THREADS'], os.environ['OF_OURS']]}") == ["3", "kept"]
    assert ask(child, "answer = {'value': os.getpgid(0) == os.getsid(0) == os.getpid()}") is True


def test_it_runs_only_while_it_is_asked(start: Start) -> None:
    child = start()
    ask(child, "count = 0")
    assert psutil.Process(child.pid).status() == psutil.STATUS_STOPPED
    assert ask(child, "answer = {'value': 7}") == 7
    assert psutil.Process(child.pid).status() == psutil.STATUS_STOPPED


def test_descriptors_travel_both_ways(start: Start, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("hello")
    with (tmp_path / "there").open() as file:
        message = {"do": "apply", "say": "attached = tuple(descriptors)"}
        value, (back,) = start().ask(message, PATIENCE_S, (file.fileno(),))
    assert value is None
    with os.fdopen(back) as arrived:
        assert arrived.read() == "hello"


@pytest.mark.parametrize(
    ("say", "status", "reason"),
    [
        ("os._exit(3)", "crashed", "turn: left with exit code 3"),
        ("os._exit(113)", "crashed", "turn: lost its channel to the harness: a descriptor was closed or replaced"),
        ("os.kill(os.getpid(), signal.SIGABRT)", "crashed", "turn: killed by SIGABRT"),
        ("os.kill(os.getpid(), signal.SIGRTMIN + 3)", "crashed", f"turn: killed by signal {signal.SIGRTMIN + 3}"),
        (
            "os.write(2, b'first\\n\\nlast words\\n\\n'); os._exit(1)",
            "crashed",
            "exit code 1; it last wrote: last words",
        ),
        (
            "os.write(2, b'std::bad_alloc\\n'); os._exit(1)",
            "out-of-memory",
            "it last wrote: std::bad_alloc; a worker may",
        ),
        ("os.write(2, b'what(): bad_alloc\\nabort\\nb\\nc\\n'); os._exit(1)", "out-of-memory", "what(): bad_alloc; a"),
        ("os.write(2, b'bad_alloc\\n1\\n2\\n3\\n4\\n'); os._exit(1)", "crashed", "it last wrote: 4"),
        (
            "os.write(2, b'illegal\\nFatal Python error: Aborted\\n\\nCurrent thread\\n  File x\\n'); os._exit(1)",
            "crashed",
            "it last wrote: Fatal Python error: Aborted",
        ),
        ("os.kill(os.getpid(), signal.SIGKILL)", "crashed", "the harness did not send that, nor did the kernel"),
    ],
)
def test_an_end_is_told_by_its_code_and_the_last_line_that_tells_something(
    start: Start, say: str, status: str, reason: str
) -> None:
    child = start()
    end = ended(child, say)
    assert (end.status, end.alive) == (status, False)
    assert reason in end.reason
    assert is_gone(child.pid)


@pytest.mark.parametrize(
    "put",
    ["os.mkfifo(log)", "os.mkdir(log)", "os.symlink('/dev/zero', log)", "os.symlink('absent', log)", "None"],
    ids=["a pipe", "a folder", "a device", "a link to nothing", "nothing"],
)
def test_whatever_it_puts_in_the_place_of_its_log_is_not_read_and_not_waited_for(
    start: Start, put: str, tmp_path: Path
) -> None:
    """Its last words are read from what it wrote to, and the next one has a log again."""
    say = f"log = os.readlink('/proc/self/fd/1'); os.write(2, b'last words\\n'); os.unlink(log); {put}; os._exit(3)"
    assert ended(start(), say).reason == "turn: left with exit code 3; it last wrote: last words"
    assert ended(start(), "os.write(2, b'of the next\\n'); os._exit(1)").reason.endswith("it last wrote: of the next")
    assert (tmp_path / "log").read_text() == "of the next\n"
    assert not (tmp_path / "log").is_symlink()


def test_what_an_earlier_child_wrote_is_not_the_last_line_of_this_one(start: Start) -> None:
    ended(start(), "os.write(2, b'of the first\\n'); os._exit(1)")
    assert ended(start(), "os._exit(1)").reason == "turn: left with exit code 1"


def test_a_kill_while_the_kernel_kills_for_memory_is_the_kernels(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel's count was 5 when the child was started, and is 6 when it is gone."""
    counts = iter([5, 6])
    monkeypatch.setattr(limits, "kills_for_memory", lambda: next(counts))
    end = ended(start(), "os.kill(os.getpid(), signal.SIGKILL)")
    assert end.status == "out-of-memory"
    assert "as the kernel does to a process when memory runs out" in end.reason


def test_a_child_that_closes_its_channel_and_lives_on_is_ended(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "DYING_S", 0.2)
    child = start()
    assert ended(child, "channel.close(); time.sleep(1000)").reason == "turn: closed its channel without ending"
    assert is_gone(child.pid)


def test_one_that_does_not_answer_is_ended_when_its_time_is_over(start: Start) -> None:
    child = start()
    ask(child, "pass")
    end = ended(child, "time.sleep(1000)", timeout_s=0.3)
    assert (end.status, end.reason) == ("timed-out", "turn: no answer within 0.3 s")
    assert is_gone(child.pid)


@pytest.mark.parametrize(
    ("say", "words"),
    [
        ("answer = [1, 2]", "a message that is a list"),
        ("channel._socket.sendall(b'\\xff' * 8)", "a message of 4294967295 bytes"),
        ("answer = {'status': 'fine', 'reason': '', 'error_ratio': None}", "ValueError: a status that does not exist"),
        ("answer = {'status': 'wrong'}", "KeyError: 'reason'"),
    ],
)
def test_a_message_that_cannot_be_read_ends_it_as_crashed(start: Start, say: str, words: str) -> None:
    child = start()
    end = ended(child, say)
    assert (end.status, end.alive) == ("crashed", False)
    assert end.reason.startswith("turn: wrote to the harness's channel, a descriptor that is not its own: ")
    assert words in end.reason
    assert is_gone(child.pid)


def test_an_end_that_it_reports_itself_leaves_it_alive_where_it_says_so(start: Start) -> None:
    child = start()
    end = ended(child, "answer = {'status': 'wrong', 'reason': 'zeros', 'error_ratio': 3.0}")
    assert (end.status, end.reason, end.error_ratio, end.alive) == ("wrong", "zeros", 3.0, True)
    assert ask(child, "answer = {'value': 1}") == 1
    memory = ended(child, "answer = {'status': 'out-of-memory', 'reason': 'malloc', 'error_ratio': None}")
    assert memory.reason.startswith("malloc; a worker may use ")


def test_more_memory_than_allowed_is_seen_from_outside(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "present_limits", lambda: limits.Limits(memory_bytes=2**30))
    child = start()
    ask(child, "pass")
    monkeypatch.setattr(limits, "resident_bytes", lambda pids: 3 * 2**29)
    end = ended(child, "time.sleep(1000)")
    assert end.status == "out-of-memory"
    assert end.reason == (
        "turn: holds 1.50 GiB with its children; a worker may use 1 GiB here, half of what was free at its start"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
@pytest.mark.parametrize("do", ["set_up", "turn"])
def test_a_child_that_left_the_group_is_stopped_and_ended_with_it(start: Start, do: str) -> None:
    """After a request that loads, all are looked for; after a turn, those that are new."""
    child = start()
    ask(child, "pass", do="missing")
    # The child tells when it has left: stopped before that, it would be found in the group as all others are.
    say = "left, leave = os.pipe()\nchild = os.fork()\nif child == 0:\n    os.setsid(); os.write(leave, b'.')\n"
    say += "    time.sleep(1000)\nos.read(left, 1)\nanswer = {'value': child}"
    outside = ask(child, say, do=do)
    assert os.getpgid(outside) == outside
    assert becomes_true(lambda: psutil.Process(outside).status() == psutil.STATUS_STOPPED)
    child.kill()
    child.kill()
    assert becomes_true(lambda: is_gone(outside))


LEAVE = "[os.fork() or os._exit(0) for _ in range({count})]; time.sleep(0.1)"


def test_who_leaves_more_ended_processes_than_a_program_would_is_ended(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each keeps one of the numbers that the machine has for processes; a chain of them had used up all."""
    monkeypatch.setattr(started_processes, "MOST_UNWAITED", 30)
    child = start()
    for _ in range(3):
        ask(child, LEAVE.format(count=10))
    end = ended(child, LEAVE.format(count=10))
    assert (end.status, end.alive) == ("failed", False)
    assert end.reason == "turn: left over 30 processes that had ended, and that it did not wait for"
    assert is_gone(child.pid)


SPINNING = """
pid = os.fork()
if not pid:
    os.setsid()
    while True:
        pass
answer["value"] = pid
"""


@pytest.mark.alone
def test_processor_time_of_what_a_child_has_started_is_told(start: Start) -> None:
    """Which its own account leaves out until it has waited for them. Of a process that spins nearly all of the time."""
    child = start()
    ask(child, "pass")
    assert child.cpu_of_started_s() == 0.0
    ask(child, SPINNING)
    before_s = child.cpu_of_started_s()
    ask(child, "time.sleep(0.3)")
    assert 0.1 < child.cpu_of_started_s() - before_s < 0.4


def test_a_child_that_has_started_nothing_has_no_such_time(start: Start) -> None:
    """What it does itself is on its own account, and would be counted twice."""
    child = start()
    ask(child, "end = time.time() + 0.1\nwhile time.time() < end: pass")
    assert child.cpu_of_started_s() == 0.0


def planted(error: int) -> Callable[..., Any]:
    def fail(*arguments: object, **keywords: object) -> None:
        raise OSError(error, os.strerror(error))

    return fail


class Refuses:
    """A server that has gone, or has no process left."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def fork(self, *arguments: object) -> None:
        """A worker, but for that."""
        raise self.error


@pytest.mark.parametrize(
    ("module", "function", "kept"),
    [
        (socket, "socketpair", False),
        (process_module, "open_log", False),
        (process_module, "open_regular", False),
        (subprocess, "Popen", False),
        (subprocess, "Popen", True),
    ],
)
def test_a_start_that_the_machine_hinders_leaves_nothing(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: Any, function: str, kept: bool
) -> None:
    """It is tried again on every problem."""
    start().kill()  # what is started once is there
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = what_there_is(tmp_path)
    monkeypatch.setattr(module, function, planted(errno.EMFILE))
    with pytest.raises(OSError, match="Too many open files"):
        ChildProcess("told_what_to_do", {}, 1, tmp_path / "log", kept=kept)
    assert what_there_is(tmp_path) == before


@pytest.mark.parametrize("error", [ServerGone("ended"), OSError(errno.EAGAIN, "no process is left")])
def test_nor_does_one_that_its_server_refuses(
    start: Start, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception
) -> None:
    start().kill()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = what_there_is(tmp_path)
    with pytest.raises(type(error)):
        ChildProcess("told_what_to_do", {}, 1, tmp_path / "log", server=cast("ForkServer", Refuses(error)))
    assert what_there_is(tmp_path) == before


def what_there_is(folder: Path) -> tuple[set[Path], set[Path]]:
    """Open descriptors, and folders for temporary files in ``folder``."""
    descriptors = {each for each in Path("/proc/self/fd").iterdir() if os.path.lexists(each)}
    return descriptors, {*folder.glob(f"{process_module.TEMPORARY}*")}
