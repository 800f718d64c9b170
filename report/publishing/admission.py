"""Whether a run that somebody contributes may be published: a clear yes or no, with the reason of every no."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.trust.controls import controls_of
from pointwise_bench.report.analysis.trust.light import wrong_controls
from pointwise_bench.report.reading.run_format import LARGEST_ERROR_RATIO

if TYPE_CHECKING:
    from pointwise_bench.report.analysis.roofline import Roofs
    from pointwise_bench.report.pages.run_analysis import RunAnalysis
    from pointwise_bench.report.reading.run import Run

MOST_FLOPS: Final = 1e12
"""A second, of one thread: two units of 512 bits at 8 GHz reach half of it in the smallest element type measured."""
MOST_BYTES: Final = 2e12
"""A second, of all threads, from DRAM: no board of one or two processors has as much."""
MOST_APART: Final = 2.0
"""Times, of what one ceiling was before and after: more and the machine was another one in between."""

Rules = Callable[[Mapping[str, Any]], str | None]
"""Why a run's policy is not that of this version, or None."""


class Check(NamedTuple):
    """One thing that a run must hold; ``fault`` is empty where it does."""

    name: str
    fault: str


def checks_of(found: RunAnalysis, rules: Rules) -> list[Check]:
    """All of them, whatever came of the others."""
    return [
        Check("schema", _schema(found.run)),
        Check("gate", _gate(found.run)),
        Check("ceilings", next(_ceilings(found.run, found.ceilings), "")),
        Check("roofs", _roofs(found)),
        Check("controls", wrong_controls(controls_of(found.run))),
        Check("rules", rules(found.run.settings["policy"]) or ""),
    ]


def _schema(run: Run) -> str:
    if run.defects:
        more = f", and {len(run.defects) - 1} more" if len(run.defects) > 1 else ""
        return f"{run.defects[0]}{more}"
    if not run.cells and not run.claims.claims:
        return "it holds no cells"
    return next(_contradictions(run), "")


def _contradictions(run: Run) -> Iterator[str]:
    """A total counts a layer as often as it occurs: whom one cell has counted otherwise, it would count twice."""
    said = [(place.group, place.name, cell.problem.id, place.count) for cell in run.cells for place in cell.places]
    said += [(one["group"], one["name"], one["problem"].id, one["count"]) for one in run.settings["selection"]]
    counts: dict[tuple[str, str, str], int] = {}
    for group, name, problem, count in said:
        before = counts.setdefault((group, name, problem), count)
        if count != before:
            yield f"{name or problem} of {group} occurs {before} times by one entry and {count} by another"


def _gate(run: Run) -> str:
    """Only what passed the gate has a time, and it says by how much; reading has refused one above the bound."""
    unproven = [cell for cell in run.cells if cell.timed and not cell.error_ratio <= LARGEST_ERROR_RATIO]
    if not unproven:
        return ""
    first = unproven[0]
    return f"{len(unproven)} times without an error within its bound, such as {first.backend} on {first.problem.id}"


def _ceilings(run: Run, ceilings: Roofs) -> Iterator[str]:
    """The first is enough: a machine that measured one ceiling wrong has no share of a roof to publish."""
    for threads in sorted({cell.threads for cell in run.cells if cell.timed and cell.device == "cpu"}):
        peaks = {dtype: peak for (dtype, count), peak in ceilings.peaks.items() if count == threads}
        triad = ceilings.triads.get(threads)
        if not peaks or triad is None:
            yield f"no ceilings with {threads} threads"
        for dtype, peak in peaks.items():
            if peak > MOST_FLOPS * threads:
                yield f"a peak of {peak / 1e9:,.0f} GFLOP/s in {dtype} with {threads} threads is none of a processor"
        if triad is not None and triad > MOST_BYTES:
            yield f"{triad / 1e9:,.0f} GB/s with {threads} threads is no memory's"
    for (threads, dtype), values in _phases(run).items():
        if min(values) <= 0 or max(values) > MOST_APART * min(values):
            yield f"the peak in {dtype} with {threads} threads changed {max(values) / (min(values) or 1):.1f} times"


def _phases(run: Run) -> dict[tuple[int, str], list[float]]:
    found: dict[tuple[int, str], list[float]] = {}
    for phase in run.settings["ceilings"]:
        for dtype, peak in (phase["fma_peak_flops"] or {}).items():
            if peak is not None:
                found.setdefault((phase["threads"], dtype), []).append(peak)
    return found


def _roofs(found: RunAnalysis) -> str:
    """Faster than the machine can be, with the whole of its interval and by more than the margin: a clock was wrong."""
    table = found.timings[found.timings["percent_of_roof"].notna()]
    share = (table["percent_of_roof"] * table["median_s"] / table["high_s"]).to_numpy(dtype=float)
    above = [place for place, one in enumerate(share.tolist()) if one > 100 * (1 + MARGIN)]
    if not above:
        return ""
    worst = max(above, key=lambda place: share[place])
    row = table.iloc[worst]
    return f"{len(above)} cells above their roof, {row['backend']} on {row['problem']} at {share[worst]:.0f} %"
