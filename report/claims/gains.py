"""Predicted and measured gains: ways of computing compared round by round, on one backend each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.claims.paired_rounds import places, series_of_result
from pointwise_bench.report.claims.predicted_work import Work
from pointwise_bench.report.reading.claims import ReadClaim, ReadClaimResult, ReadClaims
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.verdicts import Pairs, Series, pair_up, usual_disagreement

WIDEST: Final = 1.25  # from end to end: a wider interval that holds the prediction confirms nothing
_AS_MEASURED: Final = Disagreement(start_sd=0.0, round_sd=0.0)


@dataclass(frozen=True)
class Gain:
    """Time of the baseline over time of ``variant``, for a whole claim, one of its branches, or a total of claims.

    ``predicted``: by measure; ``expected`` is the one from which a gain in time is predicted. ``results`` are those
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
    results: tuple[ReadClaimResult, ...]

    def of_one(self, claim: ReadClaim) -> bool:
        """Whether it is a gain of this claim, not of a total that it is part of, be it the only part."""
        return len(self.results) == 1 and self.results[0].claim is claim and self.title != claim.total

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


def gains(read: ReadClaims) -> list[Gain]:
    """Every comparison that the results allow, in the order of the claims; totals come last."""
    claims, results = read.claims, read.results
    open_gains = [
        *(one for claim in claims for result in results if result.claim is claim for one in _of_result(result)),
        *_of_totals(claims, results),
    ]
    # How much the starts disagree is learnt from the whole run, as it is for single problems. A claim may have one
    # start only, and says so beside its interval, to which nothing is added: both of its ways run in one process, so
    # that a start shifts them alike, and too few rounds are said to be too few.
    usual = usual_disagreement([pair_up(series, usual=_AS_MEASURED) for _, series in open_gains])
    usual = replace(_AS_MEASURED, effect=usual.effect)
    return [_measured(gain, pair_up(series, usual=usual)) for gain, series in open_gains]


_Open = tuple[Gain, list[Series]]


def _of_result(result: ReadClaimResult) -> Iterable[_Open]:
    if not result.comparable:
        return
    claim = result.claim
    shared = set.intersection(*(set(each) for each in result.branches.values())) if result.branches else set()
    for variant in claim.variants[1:]:
        for branch in (
            None,
            *(name for name in claim.baseline.branches if name in shared and name in variant.branches),
        ):
            predicted = Work.of_variant(claim.baseline, branch).over(Work.of_variant(variant, branch))
            series = [series_of_result(result, name, branch) for name in (variant.name, claim.baseline.name)]
            title = claim.name if branch is None else f"{claim.name}, {branch} branch"
            yield _blank(title, branch, result, variant.name, predicted, claim.by, (result,)), series


def _of_totals(claims: Sequence[ReadClaim], results: Sequence[ReadClaimResult]) -> Iterable[_Open]:
    """Claims that are added up, for each backend that has all of them: round i is the sum of their rounds i."""
    for total in dict.fromkeys(claim.total for claim in claims if claim.total):
        parts = [claim for claim in claims if claim.total == total]
        by_backend: dict[tuple[str, int], dict[str, ReadClaimResult]] = {}
        for result in results:
            if result.claim.total == total and result.comparable:
                by_backend.setdefault((result.backend, result.threads), {})[result.claim.name] = result
        sides = [[claim.baseline for claim in parts], [claim.variants[-1] for claim in parts]]
        before, after = (Work.of_variants(side) for side in sides)
        for own in by_backend.values():
            if len(own) == len(parts):
                chosen = tuple(own[claim.name] for claim in parts)
                first = chosen[0]
                series = [_summed(chosen, [variant.name for variant in side]) for side in reversed(sides)]
                name = sides[1][0].name
                yield _blank(total, None, first, name, before.over(after), parts[0].by, chosen), series


def _summed(results: Sequence[ReadClaimResult], variants: Sequence[str]) -> Series:
    """The rounds that all results have, added up; starts are counted, since a worker may have been replaced."""
    totals: dict[tuple[int, int], float] = {}
    common: set[tuple[int, int]] | None = None
    for result, variant in zip(results, variants, strict=True):
        names = list(zip(*places(result.process), strict=True))
        common = set(names) if common is None else common & set(names)
        for name, seconds in zip(names, result.samples[variant].tolist(), strict=True):
            totals[name] = totals.get(name, 0.0) + seconds
    kept = sorted(common or ())
    starts = [start for start, _ in kept]
    return Series.of([totals[name] for name in kept], [s * ROUNDS_APART + place for s, place in kept], starts)


def _blank(
    title: str,
    branch: str | None,
    result: ReadClaimResult,
    variant: str,
    predicted: Mapping[str, float],
    by: str,
    results: tuple[ReadClaimResult, ...],
) -> Gain:
    nothing = (math.nan, math.nan, math.nan, "few", 0, 0)
    return Gain(title, branch, result.backend, result.threads, variant, predicted, predicted[by], *nothing, results)


def _measured(gain: Gain, pairs: Pairs) -> Gain:
    """``gain`` with what the comparison of its two series found; ``pairs`` holds one pair."""
    return replace(
        gain,
        ratio=float(pairs.ratio[0]),
        low=float(pairs.low[0]),
        high=float(pairs.high[0]),
        verdict=str(pairs.verdict[0]) if pairs.sign_tested[0] else "few",
        rounds=int(pairs.rounds[0]),
        starts=int(pairs.starts[0]),
    )
