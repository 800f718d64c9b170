"""The hosts of a run: one per backend and thread budget, started when first needed, replaced when dead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from backends import Backend, registry
from backends.registry import Unloadable
from suites.harness.host import Host, InProcess
from suites.harness.outcome import Ended
from suites.harness.worker import Worker

START_S = 120.0  # how long a worker may take to start and to say what it is missing: importing torch can take a minute


@dataclass
class Station:
    """A place for one backend with one thread budget, and whoever serves there now."""

    backend: Backend
    threads: int
    host: Host | None = None
    starts: int = 0
    time_outs: int = 0  # on the last problems in a row
    missing: str | None = None


class Pool:
    """All stations of a run."""

    def __init__(self, logs: Path, *, in_process: bool = False, starts: int = 0) -> None:
        """``starts`` is how often a resumed run may have started a worker before: they are counted on from there."""
        self._logs = logs
        self._starts = starts
        self._in_process = in_process
        self._stations: dict[tuple[str, int], Station] = {}

    def station(self, backend: str, threads: int) -> Station:
        """The station with a living host, or with what the backend is missing.

        ``Ended`` when it cannot be started.
        """
        key = (backend, threads)
        station = self._stations.setdefault(key, Station(registry.get(backend), threads, starts=self._starts))
        if isinstance(station.backend, Unloadable):
            station.missing = station.backend.missing()
        if station.host is None and station.missing is None:
            station.host = self._start(backend, threads)
            station.starts += 1
            try:
                station.missing = station.host.missing(START_S)
            except Ended:
                self.dismiss(station)
                raise
            if station.missing is not None:
                self.dismiss(station)  # nothing will be asked of it, and an import of torch is held in memory
        return station

    def dismiss(self, station: Station) -> None:
        """Let the host go; the next problem gets a new one."""
        if station.host is not None:
            station.host.kill()
            station.host = None

    def restart(self) -> None:
        """Let every host go; each station gets a new one when it is next needed."""
        for station in self._stations.values():
            self.dismiss(station)

    def close(self) -> None:
        """End every host."""
        for station in self._stations.values():
            self.dismiss(station)

    def living(self) -> Iterator[Station]:
        """Stations that have a host."""
        return (each for each in self._stations.values() if each.host is not None)

    def _start(self, backend: str, threads: int) -> Host:
        if self._in_process:
            return InProcess(backend, threads)
        return Worker(backend, registry.source(backend), threads, self._logs / f"{backend}-{threads}-threads.log")
