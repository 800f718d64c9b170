"""``pointwise-bench report``: tells the report what machine this is, and which runs git keeps and so are only read."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from pointwise_bench.report.__main__ import main as report
from pointwise_bench.report.reading.here import Here


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    return report(arguments, here=Here(_machine, _is_recorded))


def _machine() -> str:
    # Imported where it is asked: psutil and numpy would make --help wait.
    from pointwise_bench.suites.harness.machine import environment

    return environment.machine()


def _is_recorded(folder: Path) -> bool:
    from pointwise_bench.suites.harness.record.tracked_runs import KEPT, kept_since

    since = kept_since(folder)
    if since not in (None, KEPT):
        print(f"note: {folder}: is only read, as {since}", file=sys.stderr)
    return since is not None
