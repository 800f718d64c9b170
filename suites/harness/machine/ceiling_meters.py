"""The ceilings before, during and after a run: one process for each thread budget, which lives as long as the run.

Living on saves compiling the micro-kernels again. It sleeps on its standard input between two readings.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pointwise_bench.suites.harness.machine.thread_variables import worker_variables

PATIENCE_S = 120.0


class CeilingMeters:
    """Reads the ceilings; a failure costs the roofline, not the run."""

    def __init__(self, thread_budgets: Sequence[int], announce: Callable[[str], None]) -> None:
        self.thread_budgets = thread_budgets
        self._announce = announce
        self._processes: dict[int, subprocess.Popen[str]] = {}
        self._compiling: set[int] = set()  # whose processes have not said yet that they are ready
        self.cost_s = 0.0  # of the last reading

    def begin(self) -> None:
        """Start the processes, which compile beside whatever else is started; one that fails is tried again later."""
        for threads in self.thread_budgets:
            with suppress(OSError):
                self._start(threads)

    def read(self, phase: str) -> list[dict[str, Any]]:
        """Ceilings by thread budget; ``phase`` is "before", "during" or "after"."""
        found = []
        self.cost_s = 0.0
        for threads in self.thread_budgets:
            try:
                process = self._processes.get(threads) or self._start(threads)
                if threads in self._compiling:
                    _answer(process)
                    self._compiling.discard(threads)
                began = time.monotonic()
                found.append(self._ask(process, phase))
                self.cost_s += time.monotonic() - began
            except (OSError, ValueError, TimeoutError) as error:
                self._announce(f"warning: the ceilings for {threads} threads could not be measured: {error}")
                self._end(threads)
        return found

    def close(self) -> None:
        """End the processes."""
        for threads in list(self._processes):
            self._end(threads)

    @staticmethod
    def _ask(process: subprocess.Popen[str], phase: str) -> dict[str, Any]:
        assert process.stdin is not None, "started with pipes"
        with suppress(BrokenPipeError):  # it has ended, and its answer says so
            process.stdin.write(f"{phase}\n")
            process.stdin.flush()
        return _answer(process)

    def _start(self, threads: int) -> subprocess.Popen[str]:
        """Start a process, which says so when it has compiled what it needs."""
        process = self._processes[threads] = subprocess.Popen(
            [sys.executable, "-m", "pointwise_bench.suites.harness.machine.ceilings", str(threads), str(os.getpid())],
            env=worker_variables(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,  # Ctrl-C is for the harness to handle
        )
        self._compiling.add(threads)
        return process

    def _end(self, threads: int) -> None:
        process = self._processes.pop(threads, None)
        self._compiling.discard(threads)
        if process is not None:
            process.kill()
            process.communicate()


def _answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The next line of a process. ``TimeoutError`` where none comes, ``ValueError`` where it is no answer."""
    assert process.stdout is not None, "started with pipes"
    waiting = select.poll()  # select takes no descriptor from number 1024 on
    waiting.register(process.stdout, select.POLLIN)
    if not waiting.poll(1000 * PATIENCE_S):
        raise TimeoutError(f"no answer within {PATIENCE_S:g} s")
    answer: dict[str, Any] = json.loads(process.stdout.readline() or '"the process ended"')
    if not isinstance(answer, dict):
        raise ValueError(answer)
    return answer
