"""A problem that nobody measured, by the measured ones that are nearest to it.

A problem lies at logarithms (to the base 2) of its sizes, weighed by how much they decide who wins. The weights, and
that five neighbours are asked and not one, were chosen on three runs of two machines by the regret on held-back shapes
(docs/WISDOM.md). That the nearest alone decides was tried and rejected: its regret is up to twice as large.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from pointwise_bench.backends.problem import ITEM_BYTES, Problem
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.wisdom.entries import WisdomEntry
from pointwise_bench.wisdom.simplicity import simplest

CHANNELS: Final = 0.5
PIXELS: Final = 1.0
WORK: Final = 0.5
"""Of the multiply-adds: where there are few, the cost of a call decides and no kernel's speed."""
GROUPED: Final = 2.0
GROUPS: Final = 1.0
STRIDED: Final = 0.5
EPILOGUE: Final = 0.5
"""Of a bias, of a residual, and of an activation."""
KIND: Final = 3.0
"""Of another layout, and of another element type for each doubling of its size."""

NEIGHBOURS: Final = 5
SOFTENING: Final = 1.0
"""Added to a neighbour's squared distance: an almost equal problem is measured no better than its times are."""
FEWEST_TO_SPEAK: Final = 0.5
"""Share of the neighbours' weight that must know a backend before it is estimated."""


def distance(one: Problem, other: Problem) -> float:
    """How unlike two problems are: 1 is twice the pixels at an equal work, or four times of either channels."""
    return math.dist(_place(one), _place(other))


def _place(p: Problem) -> tuple[float, ...]:
    return (
        CHANNELS * _log2(p.in_channels // p.groups),
        CHANNELS * _log2(p.out_channels // p.groups),
        PIXELS * _log2(p.pixels),
        WORK * _log2(p.macs),
        GROUPED * (p.groups > 1),
        GROUPS * _log2(p.groups),
        STRIDED * (p.stride > 1),
        EPILOGUE * p.bias,
        EPILOGUE * p.add,
        EPILOGUE * (p.activation != "none"),
        KIND * (p.layout != "nchw"),
        KIND * _log2(ITEM_BYTES[p.dtype]),
        KIND * (p.dtype == "bfloat16"),
    )


def _log2(size: int) -> float:
    return math.log2(size) if size else 0.0


def neighbours(problem: Problem, entries: Sequence[WisdomEntry]) -> list[WisdomEntry]:
    """The measured problems that are asked about ``problem``, the nearest first; of its direction only."""
    alike = [entry for entry in entries if entry.problem.direction == problem.direction]
    return sorted(alike, key=lambda entry: distance(problem, entry.problem))[:NEIGHBOURS]


def expected(problem: Problem, near: Sequence[WisdomEntry]) -> dict[str, float]:
    """For each backend that enough of ``near`` know, the log of its time over the fastest one's; ascending."""
    weights = [1.0 / (distance(problem, entry.problem) ** 2 + SOFTENING) for entry in near]
    known: defaultdict[str, float] = defaultdict(float)
    summed: defaultdict[str, float] = defaultdict(float)
    for weight, entry in zip(weights, near, strict=True):
        for backend, behind in entry.behind().items():
            known[backend] += weight
            summed[backend] += weight * behind
    enough = FEWEST_TO_SPEAK * sum(weights)
    means = {backend: summed[backend] / known[backend] for backend in summed if known[backend] >= enough}
    return dict(sorted(means.items(), key=lambda item: item[1]))


def ordered(expectations: dict[str, float]) -> list[str]:
    """Whom to try, one after the other: the simplest of those within the margin of the first, then by time."""
    if not expectations:
        return []
    limit = min(expectations.values()) + math.log1p(MARGIN)
    first = simplest(backend for backend, behind in expectations.items() if behind <= limit)
    return [first, *(backend for backend in expectations if backend != first)]
