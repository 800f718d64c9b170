"""The series of a problem's backends, and the rounds that every two of them have in common.

Problems of a run mostly have the same rounds from the same starts, and pairs that have are reckoned with together,
whichever problem they are of: hundreds of rows of one table, in the place of hundreds of tables.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pointwise_bench.report.statistics.order_statistics import ClusterRows

# A clock that did not advance still needs a logarithm.
_SHORTEST_S: Final = 1e-12
Chosen = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The numbers of both series of each pair of a problem that is compared."""
# Of ratios: what a processor's cache holds is ordered twice as fast as what only the memory does.
_AT_ONCE: Final = 2**18


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
class Part:
    """Pairs with the same rounds from the same starts: where they stand among all, and a row of log ratios of each."""

    places: NDArray[np.int64]
    ratios: ClusterRows
    among: int
    """How many pairs the problem of each has, compared or not."""

    @property
    def rivals(self) -> int:
        """How many others each backend of such a problem has."""
        return (math.isqrt(8 * self.among + 1) - 1) // 2


@dataclass(frozen=True)
class _Side:
    """The first series of many pairs, or the second ones: rows of a table, and the columns that are paired."""

    logs: NDArray[np.float64]
    rows: NDArray[np.int64]
    columns: NDArray[np.int64] | None
    """None for all of them, in their order."""

    def of(self, own: slice) -> NDArray[np.float64]:
        """Logarithms of the times of some of the pairs, in their common rounds."""
        chosen = self.logs[self.rows[own]]
        return chosen if self.columns is None else chosen[:, self.columns]


@dataclass(frozen=True)
class Alike:
    """What :class:`Part` is made of."""

    places: NDArray[np.int64]
    first: _Side
    second: _Side
    labels: NDArray[np.int64]
    among: int

    def parts(self) -> Iterable[Part]:
        """As many pairs at once as are handled without filling the memory; none where no round is common."""
        rounds = self.labels.size
        step = max(1, _AT_ONCE // max(1, rounds))
        for begin in range(0, len(self.places) if rounds else 0, step):
            own = slice(begin, begin + step)
            ratios = ClusterRows.of(self.second.of(own) - self.first.of(own), self.labels)
            yield Part(self.places[own], ratios, self.among)


def alike(problems: Sequence[Sequence[Series]], pairs: Sequence[Chosen]) -> Iterable[Alike]:
    """All pairs, in groups within which they have the same rounds from the same starts and the same confidence."""
    kinds: dict[tuple[bytes, bytes], int] = {}
    members: list[list[Series]] = []
    kind, row = [], []
    for one in itertools.chain.from_iterable(problems):
        number = kinds.setdefault((one.rounds.tobytes(), one.processes.tobytes()), len(kinds))
        if number == len(members):
            members.append([])
        kind.append(number)
        row.append(len(members[number]))
        members[number].append(one)
    sizes = [len(series) for series in problems]
    first, second = _of_all(sizes, pairs)
    kind_of, row_of = np.array(kind, dtype=np.int64), np.array(row, dtype=np.int64)
    logs = [np.stack([one.log_seconds for one in own]) for own in members]
    among = np.repeat([size * (size - 1) // 2 for size in sizes], [len(own) for own, _ in pairs])
    for places in _groups(kind_of[first], kind_of[second], among):
        a, b = first[places], second[places]
        own, other = int(kind_of[a[0]]), int(kind_of[b[0]])
        in_a, in_b, labels = _common(members[own][0], members[other][0])
        sides = _Side(logs[own], row_of[a], in_a), _Side(logs[other], row_of[b], in_b)
        yield Alike(places, *sides, labels, int(among[places[0]]))


def _of_all(sizes: Sequence[int], pairs: Sequence[Chosen]) -> Chosen:
    """The numbers of both series of every pair, where the series of all problems are counted through."""
    begins = np.cumsum([0, *sizes[:-1]]).tolist()
    nothing: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    first, second = (
        np.concatenate([nothing, *(own[side] + begin for own, begin in zip(pairs, begins, strict=False))])
        for side in (0, 1)
    )
    return first, second


def _groups(*keys: NDArray[np.int64]) -> Iterable[NDArray[np.int64]]:
    """The places at which all ``keys`` are alike, each group in ascending order."""
    order = np.lexsort(keys)
    if not order.size:
        return ()
    ordered = np.stack([key[order] for key in keys])
    changes = np.flatnonzero((ordered[:, 1:] != ordered[:, :-1]).any(axis=0)) + 1
    return np.split(order, changes)


def _common(a: Series, b: Series) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None, NDArray[np.int64]]:
    """Where their common rounds stand in each, and a number for each pair of processes that those are from.

    The rounds come in the order of their numbers, in which a series of a run mostly has them: then all of it is taken.
    """
    _, in_a, in_b = np.intersect1d(a.rounds, b.rounds, assume_unique=True, return_indices=True)
    labels = a.processes[in_a] * (1 + b.processes.max(initial=0)) + b.processes[in_b]
    sides = ((in_a, a.rounds.size), (in_b, b.rounds.size))
    first, second = (None if np.array_equal(own, np.arange(size)) else own for own, size in sides)
    return first, second, labels
