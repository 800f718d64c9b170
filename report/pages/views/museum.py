"""Layers that somebody reported slow or wrong, and whether the run shows the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pointwise_bench.common.shape_groups import MUSEUM
from pointwise_bench.report.analysis.collections.reports import Exhibit, exhibits

if TYPE_CHECKING:
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.plots.style import Look

TITLE: Final = "Museum: what was reported elsewhere, and what this machine shows of it"


def view(found: RunAnalysis, colours: Mapping[str, Look]) -> dict[str, Any] | None:
    """What fills the page; None where the run measured nothing of the museum."""
    shown = exhibits(found.run, found.timings, found.comparisons, MUSEUM)
    return {"exhibits": shown, "tally": _tally(shown)} if shown else None


def _tally(shown: list[Exhibit]) -> str:
    """The finding in a sentence."""
    counts = {state: sum(one.state == state for one in shown) for state in ("shown", "not shown", "open")}
    parts = [f"{counts['shown']} can be seen here", f"{counts['not shown']} cannot"]
    parts += [f"{counts['open']} are open"] * bool(counts["open"])
    return f"Of {len(shown)} reports {', '.join(parts)}."
