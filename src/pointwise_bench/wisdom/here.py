"""What this machine is now, and whether wisdom still holds on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from pointwise_bench.suites.harness.machine import environment
from pointwise_bench.wisdom.entries import Wisdom

PLACE: Final = "POINTWISE_BENCH_WISDOM"
"""Environment variable: the file that a plan reads where it is not told another."""

_BESIDE: Final = frozenset(
    {"hypothesis", "jinja2", "matplotlib", "pandas", "psutil", "pytest", "pytest-benchmark", "threadpoolctl"}
)
"""Packages that compute no layer: another version of them changes nothing that was measured."""


def usual_place() -> Path:
    """Where the wisdom of this user's machine is: as the environment says, else among the data of a user's programs."""
    if named := os.environ.get(PLACE):
        return Path(named)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data) / "pointwise-bench" / "wisdom.json"


def computing(packages: Mapping[str, str]) -> dict[str, str]:
    """Those of ``packages`` by whose versions times and answers may change."""
    return {name: version for name, version in packages.items() if name not in _BESIDE}


@cache
def _packages() -> Mapping[str, str]:
    return environment.packages()


def why_not_here(wisdom: Wisdom, threads: int) -> str | None:
    """Why ``wisdom`` says nothing about this machine as it is now, or None where it holds.

    A package that was installed since is no reason: what was measured is as it was.
    """
    if wisdom.machine != environment.machine():
        return f"is of {wisdom.machine}, and this machine is {environment.machine()}"
    now = _packages()
    for name, version in computing(wisdom.packages).items():
        if now.get(name) != version:
            return f"was measured with {name} {version}, and here is {now.get(name) or 'none'}"
    if not wisdom.of(threads):
        known = " and ".join(map(str, wisdom.thread_budgets())) or "none"
        return f"knows nothing of a budget of {threads} thread{'s' * (threads != 1)} (of {known} it does)"
    return None
