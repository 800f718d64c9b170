"""What the report is told of the place where it runs: it asks neither the harness nor git itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

REPORTS: Final = "reports"


class Here(NamedTuple):
    """The name of this machine, and whether git keeps a run: such a run was recorded for others, and is only read."""

    machine: Callable[[], str]
    is_recorded: Callable[[Path], bool]


def place_of_report(run: Path, here: Here | None) -> Path:
    """Where the report of ``run`` goes where nobody says: into it, or beside all machines if git keeps it."""
    if here is None or not here.is_recorded(run):
        return run / "report"
    whole = run.resolve()
    return whole.parents[1] / REPORTS / whole.parent.name / whole.name
