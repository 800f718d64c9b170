"""The worker processes of a run: one per backend and thread budget, replaced when ended, all ended with the pool."""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import runaways
from places import PLUGINS, ROOT

from pointwise_bench.backends import registry
from pointwise_bench.backends.backend import RUN_CACHE
from pointwise_bench.common.status import Status
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.worker import pool as pool_module
from pointwise_bench.suites.harness.worker.plugin_loading import declarations
from pointwise_bench.suites.harness.worker.pool import Pool
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkServer, can_fork

CHEAP = "numpy-matmul"
MISBEHAVING = PLUGINS / "misbehaving.py"


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    pool = Pool(tmp_path)
    yield pool
    pool.close()


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> None:
    """The misbehaving backends in the registry, for one test."""
    monkeypatch.setattr(registry, "_entries", {name: registry._entries[name] for name in registry.names()})
    registry.add_plugin(str(MISBEHAVING))


def pid_of(slot: Any) -> int:
    pid: int = slot.client.pid
    return pid


def environment_of(slot: Any) -> dict[str, str]:
    """Where the slot's worker was started anew: what a fork shows is its server's."""
    return psutil.Process(pid_of(slot)).environ()


@pytest.fixture
def no_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every worker is started anew, as where no process can be told by its limits."""
    monkeypatch.setattr(pool_module, "can_fork", lambda: False)


def test_a_backend_keeps_its_process_from_problem_to_problem(pool: Pool) -> None:
    slot = pool.slot(CHEAP, 1)
    first = pid_of(slot)
    assert pid_of(pool.slot(CHEAP, 1)) == first
    assert slot.starts == 1
    assert list(pool.occupied()) == [slot]


def test_a_dismissed_process_is_ended_and_replaced(pool: Pool) -> None:
    slot = pool.slot(CHEAP, 1)
    first = pid_of(slot)
    pool.dismiss(slot)
    pool.dismiss(slot)
    assert not psutil.pid_exists(first)
    assert pid_of(pool.slot(CHEAP, 1)) != first
    assert slot.starts == 2


def test_a_run_has_a_folder_for_compiled_code_that_every_start_is_told_and_that_goes_with_it(
    no_forks: None, pool: Pool, tmp_path: Path
) -> None:
    told = [environment_of(pool.slot(CHEAP, 1))[RUN_CACHE]]
    (Path(told[0]) / "compiled by the first start").touch()
    pool.restart()
    told += [environment_of(pool.slot(name, 1))[RUN_CACHE] for name in (CHEAP, "naive-loops")]
    assert len(set(told)) == 1
    assert Path(told[0]).parent == tmp_path
    assert [path.name for path in Path(told[0]).iterdir()] == ["compiled by the first start"]
    pool.close()
    assert not Path(told[0]).exists()


def test_two_versions_of_a_backend_keep_no_compiled_code_in_common(
    no_forks: None, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both may name it alike, and the second to start would run the first one's."""
    monkeypatch.setattr(registry, "_entries", {name: registry._entries[name] for name in registry.names()})
    monkeypatch.setattr(registry, "_load_elsewhere", declarations)
    registry.load(replace(registry.source(CHEAP), code=str(ROOT / "backends"), suffix="-before"))
    slots = [pool.slot(name, 1) for name in (CHEAP, f"{CHEAP}-before")]
    assert [slot.missing for slot in slots] == [None, None]
    here, before = (environment_of(slot)[RUN_CACHE] for slot in slots)
    assert here != before
    assert Path(before).is_dir()


def test_closing_ends_every_process(pool: Pool) -> None:
    pids = [pid_of(pool.slot(name, 1)) for name in (CHEAP, "naive-loops")]
    assert len(set(pids)) == 2
    pool.close()
    assert [psutil.pid_exists(pid) for pid in pids] == [False, False]
    assert list(pool.occupied()) == []


def test_what_a_backend_misses_is_asked_once_and_holds_no_process(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "poor.py"
    plugin.write_text(
        "from pointwise_bench import Backend, register\n"
        "@register\n"
        "class Poor(Backend):\n"
        "    name = 'poor-in-tests'\n"
        "    def missing(self): return 'a device'\n"
        "    def prepare(self, problem, weight, bias, threads): ...\n"
    )
    monkeypatch.setattr(
        registry, "_entries", {name: registry._entries[name] for name in registry.names()}
    )  # the plugin is gone after this test
    registry.add_plugin(str(plugin))
    for _ in range(2):
        slot = pool.slot("poor-in-tests", 1)
        assert slot.missing == "a device"
        assert slot.client is None
    assert slot.starts == 1
    assert list(pool.occupied()) == []


def test_workers_are_started_beside_each_other(misbehaving: None, pool: Pool) -> None:
    """All are there before any has answered; who has a worker keeps it, and who fails is told when it is needed."""
    kept = pid_of(pool.slot(CHEAP, 1))
    present: list[int] = []
    ask = pool._ask_what_is_missing

    def asking(slot: Any) -> None:
        present.append(len(list(pool.occupied())))
        ask(slot)

    pool._ask_what_is_missing = asking  # type: ignore[method-assign]  # and goes on
    wanted = [(CHEAP, 1), (CHEAP, 2), ("naive-loops", 1), ("misses-five", 1)]
    pool.start(2 * wanted)  # as many times as there are problems
    assert max(present) == 4
    assert pid_of(pool.slot(CHEAP, 1)) == kept
    started = [pool.slot(*each) for each in wanted[:3]]
    assert [slot.starts for slot in started] == [1, 1, 1]
    with pytest.raises(Ended):
        pool.slot(*wanted[3])


# --- starts that fail ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "status", "tries"),
    [("crashes-when-asked", "crashed", 2), ("misses-five", "failed", 2), ("hangs-when-asked", "timed-out", 1)],
)
def test_a_start_that_fails_is_not_tried_for_every_problem(
    misbehaving: None, pool: Pool, tmp_path: Path, name: str, status: Status, tries: int
) -> None:
    pool._start_s = 2.0
    ends = []
    for _ in range(4):
        with pytest.raises(Ended) as caught:
            pool.slot(name, 1)
        ends.append(caught.value)
    assert {(end.status, end.alive) for end in ends} == {(status, False)}
    again = "(not asked again in this run)"
    assert [end.reason.endswith(again) for end in ends] == [number >= tries for number in range(4)]
    assert {end.reason.removesuffix(f" {again}") for end in ends} == {ends[0].reason}
    assert (tmp_path / f"{name}-1-threads.log").read_text().count("--- start") == tries
    assert list(pool.occupied()) == []


def test_a_start_that_succeeds_forgives_an_earlier_one(pool: Pool) -> None:
    slot = pool.slot(CHEAP, 1)
    for _ in range(3):
        pool.dismiss(slot)
        slot.failures.append(Ended("crashed", "bad luck", alive=False))
        assert pool.slot(CHEAP, 1).client is not None


def test_the_patience_of_a_start_is_given(misbehaving: None, tmp_path: Path) -> None:
    with closing(Pool(tmp_path, start_s=0.5)) as pool, pytest.raises(Ended, match=r"missing: no answer within 0\.5 s"):
        pool.slot("hangs-when-asked", 1)


def server_of(slot: Any) -> int:
    """Who has forked the keeper of the slot's worker."""
    return psutil.Process(psutil.Process(pid_of(slot)).ppid()).ppid()


def test_workers_are_forked_by_one_server_and_each_start_has_another(pool: Pool) -> None:
    def servers() -> set[int]:
        return {server_of(pool.slot(name, 1)) for name in (CHEAP, "naive-loops")}

    first = servers()
    pool.restart()
    second = servers()
    assert len(first | second) == 2
    assert os.getpid() not in first
    pool.close()
    assert not any(map(psutil.pid_exists, first | second))


def test_a_server_that_is_gone_costs_no_worker(pool: Pool) -> None:
    server = server_of(pool.slot(CHEAP, 1))
    os.kill(server, signal.SIGKILL)
    slot = pool.slot("naive-loops", 1)
    assert slot.missing is None
    assert is_kept(slot)


def is_kept(slot: Any) -> bool:
    """Whether the slot's worker was started anew and has a keeper, which is a child of this process."""
    keeper = psutil.Process(pid_of(slot)).ppid()
    return keeper != os.getpid() and psutil.Process(keeper).ppid() == os.getpid()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has keepers")
def test_without_a_server_nobody_gets_away_from_its_worker_either(
    no_forks: None, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = f"left-by-a-started-one-{os.getpid()}"
    plugin = tmp_path / "runs_away.py"
    text = runaways.NAMELESS_DAEMON.replace("WORD", word) + "\ntime.sleep(0.5)  # by then it has its name"
    plugin.write_text(
        "from pointwise_bench import Backend, register\n"
        "@register\n"
        "class RunsAway(Backend):\n"
        "    name = 'runs-away-in-tests'\n"
        f"    def missing(self): exec({text!r}, {{}})\n"
        "    def prepare(self, problem, weight, bias, threads): ...\n"
    )
    monkeypatch.setattr(registry, "_entries", {name: registry._entries[name] for name in registry.names()})
    registry.add_plugin(str(plugin))
    slot = pool.slot("runs-away-in-tests", 1)
    assert is_kept(slot)
    assert len(runaways.named(word)) == 1
    pool.dismiss(slot)
    assert runaways.none_is_named(word)


# --- what the machine lacks ---------------------------------------------------------------------------------------


def planted(number: int) -> Callable[..., Any]:
    def fail(*arguments: object, **keywords: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("function", ["_server_of", "_new_client"])
def test_who_cannot_be_started_now_is_tried_again_when_it_is_needed(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    with monkeypatch.context() as lacking:
        lacking.setattr(pool, function, planted(errno.EAGAIN))
        assert pool.start([(CHEAP, 1), ("naive-loops", 1)]) == {}
        with pytest.raises(BlockingIOError):
            pool.slot(CHEAP, 1)
        lacking.setattr(pool, function, planted(errno.ENOENT))
        with pytest.raises(FileNotFoundError):
            pool.start([(CHEAP, 1)])
    assert pool.slot(CHEAP, 1).starts == 1


@pytest.mark.skipif(not can_fork(), reason="workers cannot be forked on this system")
def test_a_server_that_has_no_process_left_once_forks_the_next_worker(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_of(pool.slot(CHEAP, 1))
    with monkeypatch.context() as lacking:
        lacking.setattr(ForkServer, "fork", planted(errno.EAGAIN))
        with pytest.raises(BlockingIOError):
            pool.slot("naive-loops", 1)
    assert server_of(pool.slot("naive-loops", 1)) == server


# --- restarts and logs --------------------------------------------------------------------------------------------


def test_a_restart_replaces_every_process_and_counts_on(pool: Pool) -> None:
    slots = [pool.slot(name, 1) for name in (CHEAP, "naive-loops")]
    before = [pid_of(slot) for slot in slots]
    pool.restart()
    assert [psutil.pid_exists(pid) for pid in before] == [False, False]
    assert list(pool.occupied()) == []
    after = [pid_of(pool.slot(name, 1)) for name in (CHEAP, "naive-loops")]
    assert not set(after) & set(before)
    assert [slot.starts for slot in slots] == [2, 2]


def test_a_log_keeps_every_start_apart(misbehaving: None, pool: Pool, tmp_path: Path) -> None:
    for _ in range(3):
        pool.dismiss(pool.slot("speaks-when-asked", 1))
    assert [path.name for path in tmp_path.glob("*.log")] == ["speaks-when-asked-1-threads.log"]
    lines = (tmp_path / "speaks-when-asked-1-threads.log").read_text().splitlines()
    assert [line for line in lines if line] == [
        line
        for number in range(3)
        for line in (f"--- start {number} of speaks-when-asked with 1 thread ---", "here I am")
    ]


def test_a_log_without_end_is_cut_at_the_next_start(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool_module, "LONGEST_LOG", 1000)
    log = tmp_path / f"{CHEAP}-1-threads.log"
    log.write_text("blah" * 1000)
    pool.slot(CHEAP, 1)
    text = log.read_text()
    assert text.startswith("blah" * 250 + "\n... cut after 1000 bytes\n--- start 0")
    assert len(text) < 1200


AT_EXIT = """
import atexit
import time
from multiprocessing import shared_memory

from pointwise_bench import register
from pointwise_bench.backends.numpy_matmul import NumpyMatmul


@register
class AtExit(NumpyMatmul):
    name = "at-exit"

    def missing(self):
        self.memory = shared_memory.SharedMemory(name="NAME", create=True, size=4096)
        atexit.register(HANDLER)
        return None
"""


@pytest.fixture
def at_exit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """A plugin whose exit handler is given, in the registry for one test; where its shared memory lies."""
    monkeypatch.setattr(registry, "_entries", {name: registry._entries[name] for name in registry.names()})

    def make(handler: str) -> Path:
        plugin, name = tmp_path / "at_exit_plugin.py", f"pointwise-bench-test-{os.getpid()}"
        plugin.write_text(AT_EXIT.replace("NAME", name).replace("HANDLER", handler))
        registry.add_plugin(str(plugin))
        return Path("/dev/shm", name)

    return make


@pytest.mark.parametrize("forks", [True, False])
def test_a_worker_that_behaves_ends_by_itself_with_its_exit_handlers(
    forks: bool, at_exit: Callable[[str], Path], pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As shared memory that has a name would stay for ever."""
    monkeypatch.setattr(pool_module, "can_fork", lambda: forks)
    monkeypatch.setattr(pool_module, "LEAVING_S", 30.0)  # on a busy machine
    memory = at_exit("self.memory.unlink")
    assert pool.slot("at-exit", 1).missing is None
    assert memory.exists()
    pool.restart()
    assert not memory.exists()


def test_a_worker_that_does_not_end_is_killed(at_exit: Callable[[str], Path], pool: Pool) -> None:
    memory = at_exit("time.sleep, 1000")
    pid = pid_of(pool.slot("at-exit", 1))
    pool.restart()
    assert not psutil.pid_exists(pid)
    memory.unlink()
