"""Processes and cells of a run that another process makes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import psutil


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def workers_of(parent: int) -> list[int]:
    """Living worker processes that serve, or served, the process ``parent``; it is named in their arguments."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if "pointwise_bench.suites.harness.worker.main" in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found += [process.pid] * (json.loads(line[-1])["parent"] == parent)
    return found


def key(cell: dict[str, Any]) -> tuple[str, str, int]:
    return cell["backend"], cell["problem"], cell["threads"]
