"""What Python imports at every start under ``tox run -e coverage``: coverage in every process that a test starts.

A worker ends by SIGKILL, which lets no process write what it has counted. So it writes before each of its answers; only
what it does after its last answer is not counted: to notice that the harness is gone, and to leave.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

CHANNEL = "pointwise_bench.suites.harness.worker.channel"


def save(coverage_of_process: Any, before: list[int]) -> None:
    """Write what this process has counted, where it is more than at the last time; leave no file open.

    A plugin may close or replace every descriptor that it finds, which is none of what is counted.
    """
    with suppress(Exception):
        size = sum(map(len, coverage_of_process._collector.data.values()))
        if [size] != before:
            coverage_of_process.save()
            coverage_of_process.get_data().close(force=True)
            before[:] = [sum(map(len, coverage_of_process._collector.data.values()))]


class SavingChannel(importlib.abc.MetaPathFinder):
    """Lets the channel's ``send`` save first, once the module is imported: by the worker itself, whenever that is."""

    def __init__(self, counted: Any) -> None:
        self._counted = counted

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        """The usual specification of the module, whose execution is followed by the change; None for all others."""
        if name != CHANNEL:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        execute = spec.loader.exec_module

        def execute_and_change(module: ModuleType) -> None:
            execute(module)
            vars(module)["Channel"].send = self._saving(vars(module)["Channel"].send)

        spec.loader.exec_module = execute_and_change  # type: ignore[method-assign]
        return spec

    def _saving(self, send: Callable[..., Any]) -> Callable[..., Any]:
        before: list[int] = []

        def save_and_send(*arguments: Any) -> Any:
            save(self._counted, before)
            return send(*arguments)

        return save_and_send


if "COVERAGE_PROCESS_START" in os.environ:
    import coverage

    coverage.process_startup()  # nothing, where coverage's own file in site-packages has done it before
    counted = coverage.Coverage.current()
    if counted is not None and "pointwise_bench.suites.harness.worker.main" in sys.orig_argv:
        sys.meta_path.insert(0, SavingChannel(counted))
