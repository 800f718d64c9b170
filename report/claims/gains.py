"""Predicted and measured gains: ways of computing compared round by round, on one backend each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.claims.claims import Arithmetic, ReadClaim, ReadFinding, places
from pointwise_bench.report.statistics.verdicts import Pairs, Series, pair_up, usual_disagreement

WIDEST: Final = 1.25  # from end to end: a wider interval that holds the prediction confirms nothing


@dataclass(frozen=True)
class Gain:
    """Time of the baseline over time of ``variant``, for a whole claim, one of its branches, or a total of claims.

    ``predicted``: by measure; ``expected`` is the one from which a gain in time is predicted. ``findings`` are those
    that the times came from.
    """

    title: str
    branch: str | None
    backend: str
    threads: int
    variant: str
    predicted: Mapping[str, float]
    expected: float
    ratio: float
    low: float
    high: float
    verdict: str
    rounds: int
    starts: int
    findings: tuple[ReadFinding, ...]

    def of_one(self, claim: ReadClaim) -> bool:
        """Whether it is a gain of this claim, not of a total that it is part of."""
        return len(self.findings) == 1 and self.findings[0].claim is claim

    @property
    def against_prediction(self) -> str:
        """What the interval, widened by the margin of practical equality, says of the prediction."""
        if self.verdict == "few":
            return "too few rounds to tell"
        if self.high * (1 + MARGIN) < self.expected:
            return "short of it"
        if self.low > self.expected * (1 + MARGIN):
            return "beyond it"
        if self.high > self.low * WIDEST:
            return "undecided"
        return "as predicted"


def gains(claims: Sequence[ReadClaim], findings: Sequence[ReadFinding]) -> list[Gain]:
    """Every comparison that the findings allow, in the order of the claims; totals come last."""
    open_gains = [
        *(one for claim in claims for finding in findings if finding.claim is claim for one in _of_finding(finding)),
        *_of_totals(claims, findings),
    ]
    # How much the starts disagree is learnt from the whole run, as it is for single problems.
    usual = usual_disagreement([pair_up(series) for _, series in open_gains])
    return [_measured(gain, pair_up(series, usual=usual)) for gain, series in open_gains]


Open = tuple[Gain, list[Series]]


def _of_finding(finding: ReadFinding) -> Iterable[Open]:
    if not finding.comparable:
        return
    claim = finding.claim
    shared = set.intersection(*(set(each) for each in finding.branches.values())) if finding.branches else set()
    for variant in claim.variants[1:]:
        for branch in (
            None,
            *(name for name in claim.baseline.branches if name in shared and name in variant.branches),
        ):
            predicted = claim.baseline.arithmetic(branch).over(variant.arithmetic(branch))
            series = [finding.series(name, branch) for name in (variant.name, claim.baseline.name)]
            title = claim.name if branch is None else f"{claim.name}, {branch} branch"
            yield _blank(title, branch, finding, variant.name, predicted, claim.by, (finding,)), series


def _of_totals(claims: Sequence[ReadClaim], findings: Sequence[ReadFinding]) -> Iterable[Open]:
    """Claims that are added up, for each backend that has all of them: round i is the sum of their rounds i."""
    for total in dict.fromkeys(claim.total for claim in claims if claim.total):
        parts = [claim for claim in claims if claim.total == total]
        by_backend: dict[tuple[str, int], dict[str, ReadFinding]] = {}
        for finding in findings:
            if finding.claim.total == total and finding.comparable:
                by_backend.setdefault((finding.backend, finding.threads), {})[finding.claim.name] = finding
        sides = [[claim.baseline for claim in parts], [claim.variants[-1] for claim in parts]]
        before, after = (
            Arithmetic.of(step for v in side for one in v.branches.values() for step in one) for side in sides
        )
        for own in by_backend.values():
            if len(own) == len(parts):
                chosen = tuple(own[claim.name] for claim in parts)
                first = chosen[0]
                series = [_summed(chosen, [variant.name for variant in side]) for side in reversed(sides)]
                name = sides[1][0].name
                yield _blank(total, None, first, name, before.over(after), parts[0].by, chosen), series


def _summed(findings: Sequence[ReadFinding], variants: Sequence[str]) -> Series:
    """The rounds that all findings have, added up; starts are counted, since a worker may have been replaced."""
    totals: dict[tuple[int, int], float] = {}
    common: set[tuple[int, int]] | None = None
    for finding, variant in zip(findings, variants, strict=True):
        names = list(zip(*places(finding.process), strict=True))
        common = set(names) if common is None else common & set(names)
        for name, seconds in zip(names, finding.samples[variant].tolist(), strict=True):
            totals[name] = totals.get(name, 0.0) + seconds
    kept = sorted(common or ())
    starts = [start for start, _ in kept]
    return Series.of([totals[name] for name in kept], [s * ROUNDS_APART + place for s, place in kept], starts)


def _blank(
    title: str,
    branch: str | None,
    finding: ReadFinding,
    variant: str,
    predicted: Mapping[str, float],
    by: str,
    findings: tuple[ReadFinding, ...],
) -> Gain:
    nothing = (math.nan, math.nan, math.nan, "few", 0, 0)
    return Gain(title, branch, finding.backend, finding.threads, variant, predicted, predicted[by], *nothing, findings)


def _measured(gain: Gain, pairs: Pairs) -> Gain:
    ((ratio, low, high, verdict, decidable, rounds, starts),) = zip(
        *(pairs.ratio, pairs.low, pairs.high, pairs.verdict, pairs.decidable, pairs.rounds, pairs.starts), strict=True
    )
    return Gain(
        gain.title,
        gain.branch,
        gain.backend,
        gain.threads,
        gain.variant,
        gain.predicted,
        gain.expected,
        float(ratio),
        float(low),
        float(high),
        str(verdict) if decidable else "few",
        int(rounds),
        int(starts),
        gain.findings,
    )
