"""The tables of docs/WHAT_IT_BUYS.md: a run's gains in Markdown, by number of the claim, never typed by hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from statistics import median
from typing import Final

from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.wording import DASH, joined, threads_of, times
from pointwise_bench.report.claims.claim_tables import BY, MEASURES
from pointwise_bench.report.claims.gains import Gain
from pointwise_bench.report.claims.shortfall import SMALLEST_SHARE, shortfall
from pointwise_bench.report.reading.claims import ReadClaim
from pointwise_bench.report.reading.run import Run

FACTS: Final = "run"
MOST_NAMED: Final = 2  # parts of what ate a gain


def tables(run: Run, gains: Sequence[Gain], ceilings: Roofs) -> dict[str, str]:
    """A table by the number of its claim, and under ``run`` a sentence on the machine and the run."""
    made = {FACTS: _facts(run)}
    by_number: defaultdict[int, dict[tuple[str, str, str], list[Gain]]] = defaultdict(dict)
    for gain in gains:
        claim = gain.results[0].claim
        if gain.branch is not None and claim is not _first_of_total(run, claim):
            continue  # one module with its branches explains all of them; the page has the others
        key = (gain.title, claim.baseline.name, gain.variant)
        by_number[claim.number].setdefault(key, []).append(gain)
    for number, rows in by_number.items():
        by = next(iter(rows.values()))[0].results[0].claim.by
        made[str(number)] = _table(rows, by, ceilings)
    return made


def _first_of_total(run: Run, claim: ReadClaim) -> ReadClaim:
    return next(one for one in run.claims.claims if one.total == claim.total)


def _facts(run: Run) -> str:
    results = run.claims.results
    timed = {one.backend for one in results if one.comparable}
    threads = sorted({one.threads for one in results})
    processor = run.settings.get("environment", {}).get("processor", "unknown processor")
    budgets = joined(map(threads_of, threads))
    return (
        f"{_unfinished(run)}Figures of {len(timed)} backends, from the run `{run.machine}/{run.name}` "
        f"({processor}, {budgets}), "
        "written here by\n\n"
        f"```\npointwise-bench report results/{run.machine}/{run.name} --claims docs/WHAT_IT_BUYS.md\n```"
    )


def _unfinished(run: Run) -> str:
    if run.settings.get("finished_at"):
        return ""
    return "The run's time was spent before its slowest backends had come to every claim; each figure counts its own. "


def _table(rows: dict[tuple[str, str, str], list[Gain]], by: str, ceilings: Roofs) -> str:
    measures = ["macs", "parameters", "activations", "bytes"]
    head = ["comparison", *(MEASURES[one] for one in measures), "measured: median of backends", "least", "most"]
    lines = [[*head, "what ate most of it"], ["---"] + ["---:"] * (len(head) - 1) + ["---"]]
    for (title, baseline, variant), gains in rows.items():
        ordered = sorted(gains, key=lambda one: one.ratio)
        predicted = [times(gains[0].predicted[one]) for one in measures]
        predicted[measures.index(by)] = f"**{predicted[measures.index(by)]}**"
        lines.append(
            [
                f"{title}: {variant}, against {baseline}",
                *predicted,
                f"{times(median(one.ratio for one in gains))} ({len(gains)})",
                _named(ordered[0]),
                _named(ordered[-1]),
                _eaten(gains, ceilings),
            ]
        )
    note = f"In bold, the gain in time that {BY[by]} predict. Ratios are first way over second; brackets are intervals."
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{note}"


def _named(gain: Gain) -> str:
    return f"{times(gain.ratio, gain.low, gain.high)} {gain.backend}"


def _eaten(gains: Sequence[Gain], ceilings: Roofs) -> str:
    """The parts with the largest mean share, over the backends that fell short; how many those are."""
    found = [one for one in (shortfall(gain, ceilings) for gain in gains) if one]
    if not found:
        return DASH
    shares: Counter[str] = Counter()
    for one in found:
        for what, share in one.parts:
            shares[what] += share / len(found)  # type: ignore[assignment]  # a counter of shares
    named = [f"{what} {share:.0%}" for what, share in shares.most_common(MOST_NAMED) if share >= SMALLEST_SHARE]
    return f"{', '.join(named)} ({len(found)} short of it)"
