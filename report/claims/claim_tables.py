"""The claims of a run as text: predicted and measured gains, what ate them, and who refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from pointwise_bench.common.formats import IN_PROCESS
from pointwise_bench.common.status import OK
from pointwise_bench.common.verdict_rule import PLANNED_STARTS
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.wording import DASH, times
from pointwise_bench.report.claims.gains import Gain
from pointwise_bench.report.claims.predicted_work import Work
from pointwise_bench.report.claims.shortfall import shortfall
from pointwise_bench.report.reading.claims import ReadClaim, ReadClaimResult, ReadClaims
from pointwise_bench.report.reading.run import Run

COLUMNS: Final = (
    *("machine", "run", "claim", "branch", "variant", "backend", "threads", "status", "reason"),
    *("predicted_activations", "predicted_parameters", "predicted_macs", "predicted_bytes", "predicted"),
    *("ratio", "low", "high", "against_prediction", "rounds", "starts", "ate_it"),
)
MEASURES: Final = {
    "activations": "numbers written",
    "parameters": "parameters",
    "macs": "multiply-adds",
    "bytes": "bytes",
}
NOT_REACHED: Final = (
    "no result: the time of the run was spent before it, or its line is left out; --resume or a longer --time-budget "
    "measures it"
)
BY: Final = {"macs": "multiply-adds", "bytes": "bytes"}


@dataclass(frozen=True)
class Row:
    """One backend's gain, or the reason why there is none."""

    backend: str
    threads: int
    measured: str
    against: str
    ate: str
    status: str = OK


@dataclass(frozen=True)
class Table:
    """One comparison, predicted, and measured on every backend. ``arithmetic``: (variant, numbers by measure)."""

    title: str
    variant: str
    baseline: str
    predicted: str
    ratios: list[tuple[str, str]]
    rows: list[Row]


@dataclass(frozen=True)
class ClaimSection:
    """One claim, or one total of claims, with its tables; ``arithmetic`` of its variants as (name, four numbers)."""

    anchor: str
    number: int
    title: str
    says: str
    source: str
    arithmetic: list[tuple[str, list[str]]]
    tables: list[Table]


def sections(claims: ReadClaims, gains: Sequence[Gain], ceilings: Roofs) -> list[ClaimSection]:
    """Every claim in its order, then the totals."""
    made = [_section(claim, claims, gains, ceilings) for claim in claims.claims]
    totals = dict.fromkeys(claim.total for claim in claims.claims if claim.total)
    return [*made, *(_total(total, claims, gains, ceilings) for total in totals)]


def _section(claim: ReadClaim, claims: ReadClaims, gains: Sequence[Gain], ceilings: Roofs) -> ClaimSection:
    tables = []
    for variant in claim.variants[1:]:
        wanted = [one for one in gains if one.of_one(claim)]
        of_variant = [one for one in wanted if one.variant == variant.name]
        branches = list(dict.fromkeys(one.branch for one in of_variant)) or [None]
        for branch in branches:
            before, after = Work.of_variant(claim.baseline, branch), Work.of_variant(variant, branch)
            rows = _rows([one for one in of_variant if one.branch == branch], ceilings)
            if branch is None and variant is claim.variants[1]:  # a claim is refused as a whole: said once
                rows += _refusals(claim, claims)
            name = variant.name if branch is None else f"{variant.name}, {branch} branch"
            tables.append(_table(name, claim.baseline.name, before, after, claim.by, rows))
    arithmetic = [(each.name, _numbers(Work.of_variant(each))) for each in claim.variants]
    return ClaimSection(claim.name, claim.number, claim.name, claim.says, claim.source, arithmetic, tables)


def _total(total: str, claims: ReadClaims, gains: Sequence[Gain], ceilings: Roofs) -> ClaimSection:
    parts = [claim for claim in claims.claims if claim.total == total]
    before, after = (Work.of_variants(claim.variants[place] for claim in parts) for place in (0, -1))
    rows = _rows([one for one in gains if one.title == total], ceilings)
    table = _table(parts[0].variants[-1].name, parts[0].baseline.name, before, after, parts[0].by, rows)
    names = (parts[0].baseline.name, parts[0].variants[-1].name)
    arithmetic = [(name, _numbers(each)) for name, each in zip(names, (before, after), strict=True)]
    says = f"Added up: {', '.join(claim.name for claim in parts)}; for backends that have all of them."
    return ClaimSection("total", parts[0].number, total, says, parts[0].source, arithmetic, [table])


def _table(name: str, baseline: str, before: Work, after: Work, by: str, rows: list[Row]) -> Table:
    ratios = before.over(after)
    return Table(
        title=f"{name}, against {baseline}",
        variant=name,
        baseline=baseline,
        predicted=f"{times(ratios[by])} by {BY[by]}",
        ratios=[(words, times(ratios[measure])) for measure, words in MEASURES.items()],
        rows=rows,
    )


def _rows(gains: Sequence[Gain], ceilings: Roofs) -> list[Row]:
    ordered = sorted(gains, key=lambda one: (one.threads, -one.ratio, one.backend))
    rows = []
    for gain in ordered:
        eaten = shortfall(gain, ceilings)
        few = f" ({gain.starts} of {PLANNED_STARTS} starts)" if gain.starts < PLANNED_STARTS else ""
        rows.append(
            Row(
                gain.backend,
                gain.threads,
                times(gain.ratio, gain.low, gain.high) + few,
                gain.against_prediction,
                eaten.sentence if eaten else "",
            )
        )
    return rows


def _refusals(claim: ReadClaim, claims: ReadClaims) -> list[Row]:
    """Who has no time for the claim, and why: refused, failed, shown only, or not reached in the time of the run."""
    own = {(one.backend, one.threads): one for one in claims.results if one.claim is claim}
    rows = [Row(one.backend, one.threads, DASH, *_why_not(one)) for one in own.values() if not one.comparable]
    asked = {(one.backend, one.threads) for one in claims.results}
    rows += [Row(*pair, DASH, NOT_REACHED, "", "not measured") for pair in asked - own.keys()]
    return sorted(rows, key=lambda row: (row.status, row.backend, row.threads))


def _why_not(result: ReadClaimResult) -> tuple[str, str, str]:
    """Reason, nothing that ate anything, and status."""
    if result.timed:
        return "timed in-process: not compared", "", IN_PROCESS
    return result.reason or "no reason given", "", result.status


def _numbers(one: Work) -> list[str]:
    return [f"{value:,}" for value in one.counts]


def tabulate(run: Run, gains: Sequence[Gain], ceilings: Roofs) -> pd.DataFrame:
    """``COLUMNS``: a row for each gain, and one for each claim that a backend has none for."""
    rows: list[dict[str, Any]] = []
    for gain in gains:
        eaten = shortfall(gain, ceilings)
        rows.append(
            {
                "claim": gain.title if gain.branch is None else gain.results[0].claim.name,
                "branch": gain.branch or "",
                "variant": gain.variant,
                "backend": gain.backend,
                "threads": gain.threads,
                "status": OK,
                "reason": "",
                **{f"predicted_{measure}": gain.predicted[measure] for measure in MEASURES},
                "predicted": gain.expected,
                "ratio": gain.ratio,
                "low": gain.low,
                "high": gain.high,
                "against_prediction": gain.against_prediction,
                "rounds": gain.rounds,
                "starts": gain.starts,
                "ate_it": eaten.sentence if eaten else "",
            }
        )
    for one in run.claims.results:
        if not one.comparable:
            rows.append(
                {
                    "claim": one.claim.name,
                    "branch": "",
                    "variant": "",
                    "backend": one.backend,
                    "threads": one.threads,
                    "status": IN_PROCESS if one.timed else one.status,
                    "reason": one.reason,
                    "ratio": math.nan,
                }
            )
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    table["machine"], table["run"] = run.machine, run.name
    return table.astype({"rounds": "Int64", "starts": "Int64"})
