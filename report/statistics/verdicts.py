"""Which of two backends is faster on one problem, from rounds in which both ran and several starts of both.

Rounds are paired, so what slows the whole machine cancels. The process is a random factor: what a worker keeps from
its start to its end (where its memory lies, above all) shifts all of its rounds alike, and a few starts are all the
evidence there is about it, however many rounds they hold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pointwise_bench.common.verdict_rule import ALPHA, MARGIN, PLANNED_STARTS
from pointwise_bench.report.statistics.order_statistics import Clusters, interval_index

# A clock that did not advance still needs a logarithm.
_SHORTEST_S: Final = 1e-12


@dataclass(frozen=True)
class Series:
    """Seconds per call of one backend, one per round, with each round's name and the start of the worker it is from."""

    log_seconds: NDArray[np.float64]
    rounds: NDArray[np.int64]
    processes: NDArray[np.int64]

    @classmethod
    def of(cls, seconds: ArrayLike, rounds: ArrayLike, processes: ArrayLike) -> Series:
        """All three of one length."""
        logs = np.log(np.maximum(np.asarray(seconds, dtype=np.float64), _SHORTEST_S))
        return cls(logs, np.asarray(rounds, dtype=np.int64), np.asarray(processes, dtype=np.int64))


@dataclass(frozen=True)
class Pairs:
    """All pairs ``a < b`` of a list of series, as columns of equal length.

    ``ratio``, ``low`` and ``high`` are time of b over time of a; ``verdict`` is said of a against b; ``decidable``
    is false where the common ``rounds`` are too few for an interval at the corrected confidence; ``starts`` counts
    the pairs of processes; ``disagreement`` is each pair's own design effect.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rounds: NDArray[np.int64]
    starts: NDArray[np.int64]
    disagreement: NDArray[np.float64]
    decidable: NDArray[np.bool_]
    verdict: NDArray[np.str_]


def pair_up(series: Sequence[Series], margin: float = MARGIN, usual: float = 1.0) -> Pairs:
    """Compare every two of ``series``.

    A pair's result is the median of its per-round log ratios, with a sign-test interval. Its confidence of 95 % is
    divided among the pairs, since the reader looks for the best among all of them, and among the looks, where a pair
    had more starts than planned because it was undecided (Bonferroni). The interval is widened by how much the starts
    disagree (:func:`order_statistics.design_effect`), ``usual`` being the same over the whole run.
    """
    first, second = _every_two(len(series))
    columns: dict[str, list[float]] = {name: [] for name in _MEASURED}
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        ratios = _ratios(series[a], series[b])
        looks = max(1, ratios.count - PLANNED_STARTS + 1)
        for name, value in zip(_MEASURED, _measure(ratios, ALPHA / len(first) / looks, usual), strict=True):
            columns[name].append(value)
    middle, low, high = (np.array(columns[name], dtype=np.float64) for name in ("middle", "low", "high"))
    decidable = np.array(columns["decidable"], dtype=np.bool_)
    return Pairs(
        first=first,
        second=second,
        ratio=np.exp(middle),
        low=np.exp(low),
        high=np.exp(high),
        rounds=np.array(columns["rounds"], dtype=np.int64),
        starts=np.array(columns["starts"], dtype=np.int64),
        disagreement=np.array(columns["disagreement"], dtype=np.float64),
        decidable=decidable,
        verdict=_verdicts(middle, low, high, decidable, np.log1p(margin)),
    )


@cache
def _every_two(count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The numbers of both series of every pair among ``count``."""
    first, second = np.triu_indices(count, k=1)
    first.flags.writeable = second.flags.writeable = False  # shared by all that ask
    return first, second


_MEASURED: Final = ("middle", "low", "high", "rounds", "starts", "disagreement", "decidable")


def _ratios(a: Series, b: Series) -> Clusters:
    """Log ratios of the common rounds, by the pair of processes that they are from."""
    _, in_a, in_b = np.intersect1d(a.rounds, b.rounds, assume_unique=True, return_indices=True)
    pairs = a.processes[in_a] * (1 + b.processes.max(initial=0)) + b.processes[in_b]
    return Clusters.of(b.log_seconds[in_b] - a.log_seconds[in_a], pairs)


def _measure(ratios: Clusters, alpha: float, usual: float) -> tuple[float, ...]:
    own = ratios.effect
    if not ratios.values.size:
        return 0.0, 0.0, 0.0, 0, 0, own, False
    middle, low, high = ratios.median_interval(alpha, usual)
    decidable = interval_index(ratios.values.size, alpha) is not None
    return middle, low, high, ratios.values.size, ratios.count, own, decidable


def _verdicts(
    middle: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    decidable: NDArray[np.bool_],
    margin: float,
) -> NDArray[np.str_]:
    """Different: surely not equal, and by more than the margin as far as can be told. The same: surely within it.

    That the whole interval lie beyond the margin was tried and rejected: it finds a difference of 1.5 margins only
    with intervals of half a margin, which takes ten times as many rounds.
    """
    verdicts = np.full(middle.shape, "undecided")
    # Behind each other, the last of them has the last word.
    verdicts[(low >= -margin) & (high <= margin)] = "same"
    verdicts[(high < 0) & (middle < -margin)] = "slower"
    verdicts[(low > 0) & (middle > margin)] = "faster"
    verdicts[~decidable] = "undecided"
    return verdicts


def usual_disagreement(pairs: Sequence[Pairs]) -> float:
    """Design effect over all pairs of a run, each counted by the starts that it had beyond one."""
    own = np.concatenate([each.disagreement for each in pairs]) if pairs else np.empty(0)
    weight = np.concatenate([each.starts - 1 for each in pairs]) if pairs else np.empty(0)
    weight = np.maximum(weight, 0)
    return max(1.0, float(np.average(own, weights=weight))) if weight.sum() else 1.0
