"""The workers of a run: one per backend and thread budget, started when first needed, replaced when they have ended."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from math import inf
from pathlib import Path
from shutil import rmtree
from types import MappingProxyType

from pointwise_bench.backends import Backend, registry
from pointwise_bench.backends.registry import Unloadable
from pointwise_bench.common.cores import available_cores
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.machine.thread_variables import worker_variables
from pointwise_bench.suites.harness.record.ended import NOT_TRIED, NOTHING_LEFT, Ended, Hurried
from pointwise_bench.suites.harness.record.log_files import open_log
from pointwise_bench.suites.harness.timing.looks import Awaited
from pointwise_bench.suites.harness.verify.gate import Declared
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import Client
from pointwise_bench.suites.harness.worker.in_process import InProcessClient
from pointwise_bench.suites.harness.worker.process import delete_temporary, temporary_folder
from pointwise_bench.suites.harness.worker.side_by_side import side_by_side
from pointwise_bench.suites.harness.worker.starting.forked_process import ForkServer, ServerGone, can_fork

START_S = 120.0  # how long a worker may take to start and to say what it is missing: importing torch can take a minute

# What a backend that cannot even be started may cost a run: one failure is tried again, one time-out is not.
MOST_FAILED_STARTS = 2
MOST_TIMED_OUT_STARTS = 1

LEAVING_S = 0.3  # how long workers may take to end by themselves, all beside each other
LONGEST_LOG = 2**26  # bytes that a log keeps when the next start is added to it


Kind = tuple[str, str]  # element type and direction: what libraries compile apart


@dataclass
class WorkerSlot:
    """The place of one backend with one thread budget, and the client of the worker that runs there now."""

    backend: Backend
    threads: int
    client: Client | None = None
    starts: int = 0
    problems: int = 0  # that the worker which runs there now has been through
    glanced_at: bool = False  # whether its clock was, see trial
    time_outs: int = 0  # on the last problems in a row
    hung_on: set[Kind] = field(default_factory=set)  # kinds of problems that it timed out on and has not passed since
    missing: str | None = None
    awaited: Awaited = field(default_factory=Awaited)
    rests: bool = False  # its threads were seen to use no processor while nobody calls
    failures: list[Ended] = field(default_factory=list)  # of the last starts in a row
    control: str | None = None  # the name under which the backend is a control
    slowed_by: float | None = None  # percent, of a control

    @property
    def name(self) -> str:
        """The backend's, or that of the control."""
        return self.control or self.backend.name

    def note_time_out(self, kind: Kind) -> None:
        """It has timed out on a problem of this kind."""
        self.time_outs += 1
        self.hung_on.add(kind)

    def note_passed(self, kind: Kind) -> None:
        """A problem of this kind went well."""
        self.time_outs = 0
        self.hung_on.discard(kind)

    def hangs_on(self, kind: Kind) -> str | None:
        """Why it is not tried on this kind within a time budget: another one may have been compiled long ago."""
        if kind in self.hung_on:
            return f"{NOT_TRIED}it timed out on a problem of {' '.join(kind)} before this one"
        if len(self.hung_on) >= POLICY.acceptance.most_kinds_hung:
            return f"{NOT_TRIED}it timed out on {len(self.hung_on)} kinds of problems before this one"
        return None

    @property
    def given_up(self) -> Ended | None:
        """The last failed start, once it is not to be tried again."""
        waits = sum(failure.status == "timed-out" for failure in self.failures)
        if len(self.failures) >= MOST_FAILED_STARTS or waits >= MOST_TIMED_OUT_STARTS:
            return self.failures[-1]
        return None


class Pool:
    """All worker slots of a run.

    ``start_s``: seconds that a worker may take to start and to say what its backend is missing. ``patience_s()``:
    seconds that the time budget leaves for that now.
    """

    def __init__(
        self,
        logs: Path,
        *,
        in_process: bool = False,
        start_s: float | None = None,
        starts: int = 0,
        patience_s: Callable[[], float] = lambda: inf,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``starts`` is how often a resumed run may have started a worker before: they are counted on from there.

        ``variables`` are added to the environment of every worker.
        """
        self._variables = variables
        self._patience_s = patience_s
        self._logs = logs
        self._cache = logs / "compiled"
        self._temporary: Path | None = None  # with a folder for each slot, the same for all of its starts
        self._starts = starts
        self._in_process = in_process
        self._servers: dict[tuple[int, tuple[str, ...]], ForkServer] = {}  # by thread budget, and what they import
        self._forks = not in_process and can_fork()
        self._start_s = START_S if start_s is None else start_s
        self._slots: dict[tuple[str, int], WorkerSlot] = {}
        self.at_once = 1 if in_process else available_cores()
        """How many workers may be asked beside each other where nothing is timed: backends in one process may not."""

    def start(self, wanted: Iterable[tuple[str, int]]) -> dict[tuple[str, int], float]:
        """Start the workers of these backends and thread budgets beside each other; who runs already is left alone.

        Nothing may be timed meanwhile. Whoever cannot be started is tried again, or given up, by :meth:`slot`, also for
        want of descriptors or processes. Returns the seconds after which each of those that were started has answered.
        """
        began, seconds = time.monotonic(), dict[tuple[str, int], float]()
        slots = [self._slot_of(key) for key in dict.fromkeys(wanted)]
        slots = [slot for slot in slots if self._lacks_worker(slot) and slot.given_up is None]
        try:
            for slot in slots:
                self._server_of(slot)  # all servers import beside each other
            for slot in sorted(slots, key=lambda slot: len(slot.backend.imports)):
                self._begin(slot)
        except OSError as lacking:
            if lacking.errno not in NOTHING_LEFT:
                raise
        slots = [slot for slot in slots if slot.client is not None]

        def ask(slot: WorkerSlot) -> None:
            self._ask_what_is_missing(slot)
            seconds[slot.name, slot.threads] = time.monotonic() - began

        for slot, ended in side_by_side(ask, slots, self.at_once):
            if ended is not None:
                self._note_failed_start(slot, ended)
            else:
                self._note_start(slot)
        return seconds

    def slot(self, backend: str, threads: int) -> WorkerSlot:
        """The slot with a live client, or with what the backend is missing.

        ``Ended`` when it cannot be started.
        """
        slot = self._slot_of((backend, threads))
        if self._lacks_worker(slot):
            if (last := slot.given_up) is not None:
                raise Ended(last.status, f"{last.reason} (not asked again in this run)", alive=False)
            self._begin(slot)
            try:
                self._ask_what_is_missing(slot)
            except Ended as ended:
                self._note_failed_start(slot, ended)
                raise
            self._note_start(slot)
        return slot

    def add_control(self, key: tuple[str, int], original: str, percent: float) -> None:
        """From now on, ``key`` names a worker of the backend ``original`` that is slower by ``percent`` of its time."""
        slot = WorkerSlot(registry.get(original), key[1], starts=self._starts, control=key[0], slowed_by=percent)
        self._slots.setdefault(key, slot)

    def missing(self, key: tuple[str, int]) -> str | None:
        """What the backend lacks, once it was started."""
        return self._slots[key].missing if key in self._slots else None

    def problems(self, key: tuple[str, int]) -> int:
        """How many problems the worker that runs now has been through; 0 where none runs."""
        slot = self._slots.get(key)
        return 0 if slot is None or slot.client is None else slot.problems

    def dismiss(self, slot: WorkerSlot) -> None:
        """End the worker in this slot; the next problem gets a new one."""
        if slot.client is not None:
            slot.client.kill()
            slot.client = None

    def restart(self) -> None:
        """End every worker; each is replaced when it is next needed, and its ``starts`` count on.

        Each may end by itself first, so that what it has made outside of its memory goes with it.
        """
        clients = [slot.client for slot in self._slots.values() if slot.client is not None]
        side_by_side(lambda client: client.leave(LEAVING_S), clients, len(clients))
        for slot in self._slots.values():
            self.dismiss(slot)
        while self._servers:
            self._servers.popitem()[1].close()

    def close(self) -> None:
        """End every worker, and delete what they compiled, and their temporary files."""
        self.restart()
        rmtree(self._cache, ignore_errors=True)
        if self._temporary is not None:
            delete_temporary(self._temporary)
            self._temporary = None

    def occupied(self) -> Iterator[WorkerSlot]:
        """Slots that have a client now."""
        return (each for each in self._slots.values() if each.client is not None)

    def _slot_of(self, key: tuple[str, int]) -> WorkerSlot:
        if key not in self._slots:
            self._slots[key] = slot = WorkerSlot(registry.get(key[0]), key[1], starts=self._starts)
            if isinstance(slot.backend, Unloadable):
                slot.missing = slot.backend.missing()
        return self._slots[key]

    @staticmethod
    def _lacks_worker(slot: WorkerSlot) -> bool:
        return slot.client is None and slot.missing is None

    def _begin(self, slot: WorkerSlot) -> None:
        slot.client = self._new_client(slot)
        slot.starts += 1
        slot.problems = 0
        slot.glanced_at = False

    def _note_start(self, slot: WorkerSlot) -> None:
        slot.failures.clear()
        if slot.missing is not None:
            self.dismiss(slot)  # nothing else will be asked of it, and it may hold a large library in memory

    def _note_failed_start(self, slot: WorkerSlot, ended: Ended) -> None:
        slot.failures.append(ended)
        self.dismiss(slot)

    def _ask_what_is_missing(self, slot: WorkerSlot) -> None:
        """Ask what the backend is missing, once its worker was begun. ``Ended`` when it does not get that far."""
        assert slot.client is not None, "it was begun"
        most_s = self._patience_s()
        try:
            slot.missing = slot.client.missing(min(self._start_s, most_s))
        except Ended as ended:
            if ended.status == "timed-out" and most_s < self._start_s:
                raise Hurried(ended.reason) from None
            raise

    def _new_client(self, slot: WorkerSlot) -> Client:
        backend, threads = slot.backend.name, slot.threads
        if self._in_process:
            return InProcessClient(backend, threads)
        log = self._logs / f"{slot.name}-{threads}-threads.log"
        _begin_section(log, f"start {slot.starts} of {slot.name} with {threads} thread{'s' * (threads != 1)}")
        source, declared = registry.source(backend), Declared.by(slot.backend)
        # Two versions of a backend may keep their compiled code under one name.
        cache = self._cache / source.suffix
        cache.mkdir(parents=True, exist_ok=True)
        if self._temporary is None:
            self._temporary = temporary_folder()
        temporary = self._temporary / log.stem
        client = partial(WorkerClient, variables=self._variables, temporary=temporary, awaited=slot.awaited)
        kept = not source.python  # another environment may have another version of what runs there
        start = partial(client, backend, source, threads, log, cache, declared, slot.slowed_by, kept=kept)
        try:
            return start(server=self._server_of(slot))
        except ServerGone:
            self._forks = False
            return start()

    def _server_of(self, slot: WorkerSlot) -> ForkServer | None:
        """Who forks the slot's worker; None where it is started anew, as in the environment of another version."""
        if not self._forks or registry.source(slot.backend.name).python:
            return None
        imports = tuple(slot.backend.imports)
        key = (slot.threads, imports)
        if key not in self._servers:
            self._servers[key] = ForkServer(worker_variables(slot.threads) | dict(self._variables), imports)
        return self._servers[key]


def _begin_section(log: Path, title: str) -> None:
    """Add a line between what was written before and after a start; cut what is too long, and say so."""
    with os.fdopen(open_log(log), "ab") as file:
        if file.tell() > LONGEST_LOG:
            file.truncate(LONGEST_LOG)
            file.write(f"\n... cut after {LONGEST_LOG} bytes".encode())
        before = b"\n" if file.tell() else b""
        file.write(before + f"--- {title} ---\n".encode())
