"""How each of several backends stands to the fastest of them: one of four words that nobody should mix up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.report.statistics.leaders import Judged, leaders_of

Sign = Literal["fastest", "same", "undecided", "slower"]

LEADING: Final = ("fastest", "same")
"""Of those who share the lead: by evidence, and not for want of it."""


def signs_of(seconds: Sequence[float], pairs: Judged) -> list[Sign]:
    """One for each backend, of which ``pairs`` holds every pair.

    ``fastest`` is one, and whoever is the ``same`` within the margin leads with it. ``undecided`` is who is neither
    that nor decidedly slower: there is not enough evidence. The leader with the fewest ``seconds`` is the fastest.
    """
    found = leaders_of(len(seconds), pairs)
    fastest = min(found.leaders, key=lambda number: (seconds[number], number), default=None)
    return [
        _sign(number, fastest, number in found.leaders, number in found.undecided) for number in range(len(seconds))
    ]


def _sign(number: int, fastest: int | None, leads: bool, undecided: bool) -> Sign:
    if number == fastest:
        return "fastest"
    return "same" if leads else "undecided" if undecided else "slower"


class JudgedPairs(NamedTuple):
    """Pairs ``a < b`` that were judged before: ``ratio`` is the time of b over the time of a, ``verdict`` said of a."""

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    ratio: NDArray[np.float64]
    verdict: NDArray[np.str_]
