"""The hosts of a run: one per backend and thread budget, started when first needed, replaced when dead."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from shutil import rmtree

from pointwise_bench.backends import Backend, registry
from pointwise_bench.backends.registry import Unloadable
from pointwise_bench.suites.harness.record.ended import Ended, Hurried
from pointwise_bench.suites.harness.worker.client import WorkerClient
from pointwise_bench.suites.harness.worker.client_protocol import Client, InProcessClient

START_S = 120.0  # how long a worker may take to start and to say what it is missing: importing torch can take a minute

# What a backend that cannot even be started may cost a run: one accident is forgiven, one wait is not repeated.
MOST_FAILED_STARTS = 2
MOST_TIMED_OUT_STARTS = 1

LONGEST_LOG = 2**26  # bytes that a log keeps when the next start is added to it


@dataclass
class WorkerSlot:
    """A place for one backend with one thread budget, and whoever serves there now."""

    backend: Backend
    threads: int
    host: Client | None = None
    starts: int = 0
    time_outs: int = 0  # on the last problems in a row
    missing: str | None = None
    rests: bool = False  # its threads were seen to use no processor while nobody calls
    failures: list[Ended] = field(default_factory=list)  # of the last starts in a row

    @property
    def given_up(self) -> Ended | None:
        """The last failed start, once it is not to be tried again."""
        waits = sum(failure.status == "timed-out" for failure in self.failures)
        if len(self.failures) >= MOST_FAILED_STARTS or waits >= MOST_TIMED_OUT_STARTS:
            return self.failures[-1]
        return None


class Pool:
    """All stations of a run.

    ``start_s``: how long a host may take to start and to say what it is missing, and ``patience_s`` how long as things
    stand.
    """

    def __init__(
        self,
        logs: Path,
        *,
        in_process: bool = False,
        start_s: float | None = None,
        starts: int = 0,
        patience_s: Callable[[], float] = lambda: inf,
    ) -> None:
        """``starts`` is how often a resumed run may have started a worker before: they are counted on from there."""
        self._patience_s = patience_s
        self._logs = logs
        self._cache = logs / "compiled"
        self._starts = starts
        self._in_process = in_process
        self._start_s = START_S if start_s is None else start_s
        self._stations: dict[tuple[str, int], WorkerSlot] = {}

    def station(self, backend: str, threads: int) -> WorkerSlot:
        """The station with a living host, or with what the backend is missing.

        ``Ended`` when it cannot be started.
        """
        key = (backend, threads)
        station = self._stations.setdefault(key, WorkerSlot(registry.get(backend), threads, starts=self._starts))
        if isinstance(station.backend, Unloadable):
            station.missing = station.backend.missing()
        if station.host is None and station.missing is None:
            if (last := station.given_up) is not None:
                raise Ended(last.status, f"{last.reason} (not asked again in this run)", alive=False)
            self._start(station)
        return station

    def dismiss(self, station: WorkerSlot) -> None:
        """Let the host go; the next problem gets a new one."""
        if station.host is not None:
            station.host.kill()
            station.host = None

    def restart(self) -> None:
        """Let every host go; each is replaced when it is next needed, and its ``starts`` count on."""
        for station in self._stations.values():
            self.dismiss(station)

    def close(self) -> None:
        """End every host, and throw away what they compiled."""
        self.restart()
        rmtree(self._cache, ignore_errors=True)

    def living(self) -> Iterator[WorkerSlot]:
        """Stations that have a host."""
        return (each for each in self._stations.values() if each.host is not None)

    def _start(self, station: WorkerSlot) -> None:
        """Fill a station, or learn what its backend is missing. ``Ended`` when it does not get that far."""
        station.host = self._new_host(station)
        station.starts += 1
        try:
            station.missing = self._ask_what_is_missing(station.host)
        except Ended as ended:
            station.failures.append(ended)
            self.dismiss(station)
            raise
        station.failures.clear()
        if station.missing is not None:
            self.dismiss(station)  # nothing will be asked of it, and an import of torch is held in memory

    def _ask_what_is_missing(self, host: Client) -> str | None:
        most_s = self._patience_s()
        try:
            return host.missing(min(self._start_s, most_s))
        except Ended as ended:
            if ended.status == "timed-out" and most_s < self._start_s:
                raise Hurried(ended.reason) from None
            raise

    def _new_host(self, station: WorkerSlot) -> Client:
        name, threads = station.backend.name, station.threads
        if self._in_process:
            return InProcessClient(name, threads)
        log = self._logs / f"{name}-{threads}-threads.log"
        _open_chapter(log, f"start {station.starts} of {name} with {threads} thread{'s' * (threads != 1)}")
        self._cache.mkdir(exist_ok=True)
        return WorkerClient(name, registry.source(name), threads, log, self._cache)


def _open_chapter(log: Path, title: str) -> None:
    """Add a line between what was written before and after a start; cut what nobody would read, and say so."""
    with log.open("ab") as file:
        if file.tell() > LONGEST_LOG:
            file.truncate(LONGEST_LOG)
            file.write(f"\n... cut after {LONGEST_LOG} bytes".encode())
        before = b"\n" if file.tell() else b""
        file.write(before + f"--- {title} ---\n".encode())
