"""Which of two backends is faster on one problem, from rounds in which both ran."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from report.load import Cell, Run, Seconds
from report.order_statistics import ALPHA, interval_index

# Below this a difference is of no practical use, and code alignment alone can produce it.
MARGIN: Final = 0.02

COLUMNS: Final = (
    *("machine", "run", "problem", "threads", "backend_a", "backend_b", "ratio", "low", "high", "verdict"),
    *("outputs", "rounds"),
)

# A clock that did not advance still needs a logarithm.
_SHORTEST_S: Final = 1e-12


@dataclass(frozen=True)
class Pairs:
    """All pairs ``a < b`` of a list of series, as columns of equal length.

    ``ratio``, ``low`` and ``high`` are time of b over time of a; ``verdict`` is said of a against b; ``decidable``
    is false where the common ``rounds`` are too few for an interval at the corrected confidence.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    rounds: NDArray[np.int64]
    decidable: NDArray[np.bool_]
    verdict: NDArray[np.str_]


def pair_up(series: Sequence[Seconds], margin: float = MARGIN) -> Pairs:
    """Compare every two of ``series`` (seconds per call, one per round, all starting with the same round).

    A pair's log ratios are taken round by round, so what slowed the whole machine during a round cancels. Their
    median and its sign-test interval are the result; the confidence is corrected for the number of pairs
    (Bonferroni), since the reader looks for the best among all of them.
    """
    lengths = np.array([len(one) for one in series], dtype=np.int64)
    logs = np.full((len(series), int(lengths.max(initial=0))), np.nan)
    for row, one in zip(logs, series, strict=True):
        row[: len(one)] = np.log(np.maximum(one, _SHORTEST_S))
    first, second = np.triu_indices(len(series), k=1)
    rounds = np.minimum(lengths[first], lengths[second])
    middle, low, high = (np.zeros(len(first)) for _ in range(3))
    decidable = np.zeros(len(first), dtype=np.bool_)
    for count in np.unique(rounds):
        # Pairs of one length are sorted together: a problem costs a few array operations, however many pairs it has.
        chosen = rounds == count
        ratios = np.sort(logs[second[chosen], :count] - logs[first[chosen], :count], axis=1)
        index = interval_index(int(count), ALPHA / len(first))
        decidable[chosen] = index is not None
        middle[chosen] = np.median(ratios, axis=1)
        low[chosen] = ratios[:, index or 0]
        high[chosen] = ratios[:, count - 1 - (index or 0)]
    verdict = _verdicts(low, high, decidable, np.log1p(margin))
    return Pairs(first, second, np.exp(middle), np.exp(low), np.exp(high), rounds, decidable, verdict)


def _verdicts(
    low: NDArray[np.float64], high: NDArray[np.float64], decidable: NDArray[np.bool_], margin: float
) -> NDArray[np.str_]:
    cases = [~decidable, low > margin, high < -margin, (low >= -margin) & (high <= margin)]
    return np.select(cases, ["undecided", "faster", "slower", "same"], "undecided")


def compare_run(run: Run, margin: float = MARGIN) -> pd.DataFrame:
    """Every pair of comparable backends of one problem and thread budget: ``COLUMNS`` and ``decidable``."""
    columns: dict[str, list[object]] = {name: [] for name in (*COLUMNS, "decidable")}
    for (problem, threads), cells in _comparable(run.cells).items():
        pairs = pair_up([cell.samples for cell in cells], margin)
        names = [cell.backend for cell in cells]
        outputs = [cell.output for cell in cells]
        size = len(pairs.ratio)
        for column, value in (("machine", run.machine), ("run", run.name), ("problem", problem), ("threads", threads)):
            columns[column] += [value] * size
        columns["backend_a"] += [names[index] for index in pairs.first]
        columns["backend_b"] += [names[index] for index in pairs.second]
        columns["outputs"] += [f"{outputs[a]}/{outputs[b]}" for a, b in zip(pairs.first, pairs.second, strict=True)]
        for column in ("ratio", "low", "high", "verdict", "rounds", "decidable"):
            columns[column] += getattr(pairs, column).tolist()
    return pd.DataFrame(columns)


def _comparable(cells: Iterable[Cell]) -> dict[tuple[str, int], list[Cell]]:
    grouped: defaultdict[tuple[str, int], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.comparable:
            grouped[cell.problem.id, cell.threads].append(cell)
    return {key: sorted(group, key=lambda cell: cell.backend) for key, group in grouped.items() if len(group) > 1}
