"""Where a measured gain falls short of the predicted one: what took the time, from measurement."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.wording import joined
from pointwise_bench.report.claims.gains import Gain
from pointwise_bench.report.reading.claims import ReadClaimResult, ReadVariant

SMALLEST_SHARE: Final = 0.05  # of what was lost: a smaller part is not worth a reader's time

# Kinds of steps, in the words of the page.
_WORDS: Final = {
    "patches": "gathering patches",
    "crossing": "handing arrays to the backend and back",
    "relu": "the ReLU apart",
    "subsample": "the subsampling",
}
_ARITHMETIC: Final = "arithmetic, of which there is as much in both ways"
_CALLS, _BANDWIDTH, _RATE = "the cost of a call", "bandwidth", "a lower rate of the products themselves"


@dataclass(frozen=True)
class Shortfall:
    """``lost_s``: seconds beyond what the predicted gain would leave; ``parts``: what took them, largest first.

    Shares are of all that was lost, and add up to one. Something that the improved way does better than predicted makes
    ``lost_s`` smaller than that.
    """

    lost_s: float
    parts: tuple[tuple[str, float], ...]

    @property
    def sentence(self) -> str:
        """The parts worth naming."""
        named = [f"{what} ({share:.0%})" for what, share in self.parts if share >= SMALLEST_SHARE]
        return joined(named) if named else "nothing that was measured apart"


def shortfall(gain: Gain, ceilings: Roofs) -> Shortfall | None:
    """What ate the gain; None where it is not short of the prediction.

    With a predicted gain ``p`` every step of the baseline would shrink to a p-th. What a step of the improved way takes
    beyond a p-th of the same kind of step in the baseline is lost there. Of the products' part, the calls' is their
    number times the measured cost of the smallest call, and bandwidth's is the time by which the measured bandwidth
    makes the roof of a product higher than the measured peak does. The rest is a lower rate of arithmetic.
    """
    if gain.against_prediction != "short of it":
        return None
    before, after = _Side(), _Side()
    for result in gain.results:
        before.add(result, result.claim.baseline, gain.branch, ceilings)
        after.add(result, _variant(result, gain), gain.branch, ceilings)
    expected = gain.expected

    def beyond(kind: str) -> float:
        return after.seconds.get(kind, 0.0) - before.seconds.get(kind, 0.0) / expected

    lost_s = sum(after.seconds.values()) - sum(before.seconds.values()) / expected
    if lost_s <= 0:
        return None
    parts = {words: beyond(kind) for kind, words in _WORDS.items()}
    rest = beyond("product")
    for words, seconds in (
        (_CALLS, after.calls_s - before.calls_s / expected),
        (_BANDWIDTH, after.memory_s - before.memory_s / expected),
    ):
        parts[words] = min(max(seconds, 0.0), max(rest, 0.0))
        rest -= parts[words]
    parts[_RATE if gain.results[0].claim.by == "macs" else _ARITHMETIC] = rest
    all_lost_s = sum(seconds for seconds in parts.values() if seconds > 0)
    shares = [(words, seconds / all_lost_s) for words, seconds in parts.items() if seconds > 0]
    return Shortfall(lost_s, tuple(sorted(shares, key=lambda part: -part[1])))


def _variant(result: ReadClaimResult, gain: Gain) -> ReadVariant:
    return next(one for one in result.claim.variants if one.name == gain.variant)


class _Side:
    """Sums over results: seconds by kind of step, of calls, and of waiting for memory beyond the arithmetic."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls_s = 0.0
        self.memory_s = 0.0

    def add(self, result: ReadClaimResult, variant: ReadVariant, branch: str | None, ceilings: Roofs) -> None:
        """Add one result's share."""
        steps = result.steps_s[variant.name]
        for name, kinds in steps.items():
            if branch in (None, name):
                self._add_kinds(kinds)
        products = variant.products(branch)
        if not math.isnan(result.smallest_call_s):
            self.calls_s += result.smallest_call_s * len(products)
        self.memory_s += sum(_memory_s(each, result.threads, ceilings) for each in products)

    def _add_kinds(self, kinds: Mapping[str, float]) -> None:
        for kind, seconds in kinds.items():
            self.seconds[kind] = self.seconds.get(kind, 0.0) + seconds


def _memory_s(problem: Problem, threads: int, ceilings: Roofs) -> float:
    """By how much memory keeps a product longer than arithmetic would, at the measured ceilings; 0 where unknown."""
    peak = ceilings.peaks.get((problem.dtype, threads))
    bandwidth = ceilings.bandwidth(problem.min_bytes, threads)
    if not peak or not bandwidth:
        return 0.0
    return max(0.0, problem.min_bytes / bandwidth - problem.flops / peak)
