"""Rounds of a claim's result as a comparison takes them: each with its name and the start of its worker."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.common.formats import ROUNDS_APART
from pointwise_bench.report.reading.claims import ReadClaimResult
from pointwise_bench.report.statistics.verdicts import Series


def series_of_result(result: ReadClaimResult, variant: str, branch: str | None = None) -> Series:
    """Rounds of a variant, or of one of its branches, with names and starts."""
    seconds = result.samples[variant] if branch is None else result.branches[variant][branch]
    return Series.of(seconds, round_names(result.process), result.process)


def round_names(process: NDArray[np.int64]) -> list[int]:
    """A name for each round: its start, counted, and its place there."""
    return [start * ROUNDS_APART + place for start, place in zip(*places(process), strict=True)]


def places(process: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """For each round the number of its start, counted from 0, and its place within it."""
    seen: dict[int, int] = {}
    counted: dict[int, int] = {}
    starts, places = [], []
    for number in process.tolist():
        starts.append(counted.setdefault(number, len(counted)))
        places.append(seen.get(number, 0))
        seen[number] = places[-1] + 1
    return starts, places
