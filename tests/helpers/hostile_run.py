"""A whole run with hostile plugins, and what it left: results, processes, files."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from other_runs import wait_for
from places import PLUGINS, ROOT
from runaways import named
from soak import SOAK
from suite_command import CHEAP, SMALL, only_run, read_cells, read_run, started_suite

from pointwise_bench.suites.harness.worker import marked_processes, reaper

CORRECT_BACKENDS = (CHEAP, "naive-loops")
"""They take part in every such run, and must come out as if they were alone."""
TIMEOUT_S = 8.0  # for the correct backends, too, on a busy machine
PATIENCE_S = 400.0


@dataclass
class Finished:
    """A run that is over: what it printed, where its results are, and what it left."""

    output: str
    results: Path
    left: list[int]
    new_files: set[str]

    def cell(self, backend: str) -> dict[str, Any]:
        """The one cell of a backend."""
        (cell,) = [cell for cell in read_cells(self.results) if cell["backend"] == backend]
        return cell

    def assert_correct_backend_is_undisturbed(self, name: str) -> None:
        """It is measured in every pass, and by one start for each pass and no other."""
        cell = self.cell(name)
        assert (cell["status"], cell["reason"]) == ("ok", "")
        assert set(cell["process"]) == {0, 1}
        assert len(cell["samples_s"]) >= 2 * 5

    def assert_finished_and_reported(self) -> None:
        """The harness came to its end, and says what came out."""
        assert read_run(self.results)["finished_at"], self.output[-3000:]
        assert "Traceback" not in self.output
        assert "= pointwise-bench =" in self.output

    def assert_nothing_is_left_but_the_results(self) -> None:
        """No process, no watchdog, no file in the project, and no file in the run's folder that a run has not."""
        assert self.left == []
        assert self.new_files == set()
        assert {path.name for path in only_run(self.results).iterdir()} == {"run.json", "cells.jsonl", "workers"}


def watchdogs_of(pid: int) -> list[int]:
    """Living watchdogs of the harness ``pid``."""
    return list(_marks_by_watchdog(pid))


def _marks_by_watchdog(pid: int) -> dict[int, str]:
    """The mark of the harness's run, by the watchdogs that are told it as their last argument."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            arguments = path.read_bytes().split(b"\0")
        except OSError:
            continue
        if reaper.__file__.encode() in arguments and arguments[-2].startswith(f"{pid}-".encode()):
            found[int(path.parent.name)] = arguments[-2].decode()
    return found


def hostile_run(
    folder: Path, names: Sequence[str], plugins: Sequence[Path] = (), *, by_server: bool = False
) -> Finished:
    """All of ``names`` at once with the correct backends, on one problem.

    Their workers are forks, but in the soak: each of them has ended a started one in tests/process/test_client.py. With
    ``by_server`` they are forked by the harness's own server, as in a user's run, and have keepers.
    """
    before = set(_files_of_the_project())
    process = started_suite(
        folder / "results",
        *([] if SOAK or by_server else ["-p", "forked_workers"]),
        *("-p", "small_limits", "--shapes", SMALL, "--timeout", f"{TIMEOUT_S}s"),
        *(f"--plugin={plugin}" for plugin in (PLUGINS / "misbehaving.py", *plugins)),
        *(f"--backend={name}" for name in (*CORRECT_BACKENDS, *names)),
    )
    marks: set[str] = set()
    try:
        wait_for(lambda: bool(watchdogs_of(process.pid)))
        marks.update(_marks_by_watchdog(process.pid).values())
        output, _ = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        process.wait()
    time.sleep(0.1)  # what was killed may still be on its way
    # By the whole mark, which shows in a limit as well: of a forked worker's children the environment says nothing.
    left = [pid for mark in marks for pid in marked_processes.carrying(mark)] + watchdogs_of(process.pid)
    left += named(
        f'"parent": {process.pid},'
    )  # whatever was told whose it is: servers, keepers, and what they have left
    return Finished(output, folder / "results", left, set(_files_of_the_project()) - before)


def _files_of_the_project() -> Iterator[str]:
    """All that a plugin could litter, less what Python and the tools keep there, which is not looked into."""
    ignored = {".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".tox"}
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [each for each in folders if each not in ignored]
        yield from (f"{folder}/{name}" for name in (*folders, *files) if name not in ignored)
