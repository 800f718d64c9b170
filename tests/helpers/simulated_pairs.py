"""Pairs of backends on simulated machines whose truth is known: drift, heavy tails, workers that differ by start."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.verdicts import (
    Field,
    Pairs,
    Series,
)

NOISE = 0.04  # of a ratio of one round, standard deviation; with tails of Student's t of 3 degrees of freedom
DRIFT = 0.05  # of the machine, from one round to the next: a random walk
PAIRS = 500
STARTS, ROUNDS = 3, 40
UNAWARE = Disagreement(start_sd=0.0)  # that starts shift anything


@dataclass(frozen=True)
class Machine:
    """Simulates pairs of backends of which the second takes ``ratio`` times as long as the first.

    Every start of a worker shifts all of its rounds by a factor of its own, ``effect`` being its standard deviation.
    """

    ratio: float = 1.0
    effect: float = 0.0
    noise: float = NOISE
    starts: int = STARTS
    rounds: int = ROUNDS

    def pair(self, generator: np.random.Generator) -> list[Series]:
        """Both series."""
        process = np.repeat(np.arange(self.starts), self.rounds)
        names = 1000 * process + np.tile(np.arange(self.rounds), self.starts)
        drift = generator.normal(0.0, DRIFT, process.size).cumsum()
        return [
            Series.of(factor * np.exp(drift + self._shift(generator)[process] + own), names, process)
            for factor in (1.0, self.ratio)
            for own in [_heavy_tailed(generator, process.size) * self.noise / math.sqrt(2)]
        ]

    def _shift(self, generator: np.random.Generator) -> NDArray[np.float64]:
        return generator.normal(0.0, self.effect, self.starts)

    def run(self, seed: int, pairs: int = PAIRS) -> list[list[Series]]:
        """As many problems, each with its pair."""
        return _simulated(self, seed, pairs)


@cache
def _simulated(machine: Machine, seed: int, pairs: int) -> list[list[Series]]:
    """Made once for all tests that ask for the same."""
    generator = np.random.default_rng(seed)
    return [machine.pair(generator) for _ in range(pairs)]


def _heavy_tailed(generator: np.random.Generator, size: int) -> NDArray[np.float64]:
    """Student's t with 3 degrees of freedom, scaled to a standard deviation of 1."""
    return generator.standard_t(3, size) / math.sqrt(3)


def judged(run: list[list[Series]]) -> list[Pairs]:
    """The run's pairs as the report sees them: with what is usual in the run.

    All at once, which is :func:`pair_up` of each to the last digit (see below), in a tenth of the time.
    """
    field = Field(run)
    return field.judged(usual=field.usual())


def without_starts(pair: list[Series]) -> list[Series]:
    """The planted fault: all rounds are taken for one start's, which makes the test a plain pooled sign test."""
    return [Series(one.log_seconds, one.rounds, np.zeros_like(one.processes)) for one in pair]


def rates(pairs: list[Pairs]) -> Counter[str]:
    """Percentages by verdict, and of ``different``."""
    counts = Counter(str(pair.verdict[0]) for pair in pairs)
    counts["different"] = counts["faster"] + counts["slower"]
    return Counter({name: 100 * count / len(pairs) for name, count in counts.items()})


def rounds_of(seconds: ArrayLike, starts: int = STARTS) -> Series:
    """Rounds 0, 1, 2, ... dealt to the starts of the worker in turn."""
    count = np.size(seconds)
    return Series.of(seconds, np.arange(count), np.arange(count) % starts)
