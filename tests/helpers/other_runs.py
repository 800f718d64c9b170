"""Processes and cells of a run that another process makes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import psutil
from forked_workers import WORKER, worker_name


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def workers_of(parent: int) -> list[int]:
    """Living worker processes that serve, or served, the process ``parent``; of a worker and its keeper the worker.

    It is named in the arguments of a started one, and in the name of a forked one. A keeper shows what its worker does.
    """
    parents = {}
    for process in psutil.process_iter(["cmdline", "status", "name", "ppid"]):
        line, name = process.info["cmdline"] or [], process.info["name"]
        if process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        if name == worker_name(parent) or (WORKER in line and json.loads(line[-1])["parent"] == parent):
            parents[process.pid] = process.info["ppid"]
    return [pid for pid in parents if pid not in parents.values()]


def key(cell: dict[str, Any]) -> tuple[str, str, int]:
    return cell["backend"], cell["problem"], cell["threads"]
