"""Who is fastest on one problem, who ties with it, and who could still be either: from the verdicts on all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True)
class Leaders(Generic[T]):
    """Whom nobody decidedly beats: numbers of series, as :func:`verdicts.pair_up` was given them, or their names.

    ``leaders`` are the fastest of them and all that are the same as it. ``undecided`` are the others: nobody beats them
    and nothing shows them to be as fast, for want of evidence. Everybody else has lost.
    """

    leaders: frozenset[T]
    undecided: frozenset[T]

    @property
    def contenders(self) -> frozenset[T]:
        """Who can still be the fastest."""
        return self.leaders | self.undecided

    @property
    def settled(self) -> bool:
        """Whether everybody but the leaders has lost."""
        return not self.undecided


class Judged(Protocol):
    """All pairs ``a < b`` of some series, as columns: ``ratio`` is time of b over time of a, ``verdict`` said of a."""

    @property
    def first(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def second(self) -> NDArray[np.int64]: ...  # noqa: D102
    @property
    def ratio(self) -> NDArray[np.float64]: ...  # noqa: D102
    @property
    def verdict(self) -> NDArray[np.str_]: ...  # noqa: D102


def leaders_of(count: int, pairs: Judged) -> Leaders[int]:
    """The leaders among ``count`` series.

    The fastest is, of those whom nobody decidedly beats, the one that most others are slower than by the middle of
    their ratios, decided or not: a median of its own would compare different stretches of time, where series have
    different rounds. Of equals it is the first. Should everybody be beaten, in a circle, it is the fastest of all.
    """
    if not count:
        return Leaders(frozenset(), frozenset())
    ahead, beats, same = (np.zeros((count, count), dtype=np.bool_) for _ in range(3))
    equal = pairs.verdict == "same"
    for table, forth, back in (
        (ahead, pairs.ratio > 1, pairs.ratio < 1),
        (beats, pairs.verdict == "faster", pairs.verdict == "slower"),
        (same, equal, equal),
    ):
        table[pairs.first, pairs.second] = forth
        table[pairs.second, pairs.first] = back
    unbeaten = ~beats.any(axis=0)
    wins = ahead.sum(axis=1)
    fastest = int(np.argmax(np.where(unbeaten, wins, -1) if unbeaten.any() else wins))
    leads = same[fastest] & unbeaten
    leads[fastest] = True
    return Leaders(_numbers(leads), _numbers(unbeaten & ~leads))


def _numbers(chosen: NDArray[np.bool_]) -> frozenset[int]:
    return frozenset(np.flatnonzero(chosen).tolist())


def named(leaders: Leaders[int], names: Sequence[U]) -> Leaders[U]:
    """The same by the names of the series."""
    return Leaders(*(frozenset(names[number] for number in group) for group in (leaders.leaders, leaders.undecided)))
