"""Which pairs are compared where there are many: every two of a few, and of more those with one of the fastest.

All pairs of 3,000 backends on one problem are four and a half million, of which nobody reads more than those with the
fastest; to compare and to write them took longer than any report of thousands of problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

MOST_AGAINST_ALL: Final = 100
"""How many of the fastest are compared with everybody; where there are no more, every two are."""

Numbers = NDArray[np.int64]


@cache
def every_two(count: int) -> tuple[Numbers, Numbers]:
    """The numbers of both of every pair among ``count``."""
    first, second = np.triu_indices(count, k=1)
    first.flags.writeable = second.flags.writeable = False  # shared by all that ask
    return first, second


def chosen_pairs(seconds: ArrayLike, always: Sequence[int] = ()) -> tuple[Numbers, Numbers]:
    """The numbers of both of every pair ``a < b`` that is compared, in the order of :func:`every_two`.

    ``seconds`` are what each takes, by which the fastest are found; those of ``always`` are compared with all too.
    """
    taken = np.asarray(seconds, dtype=np.float64)
    count = len(taken)
    if count <= MOST_AGAINST_ALL:
        return every_two(count)
    with_all = np.zeros(count, dtype=np.bool_)
    with_all[np.argsort(taken, kind="stable")[:MOST_AGAINST_ALL]] = True
    with_all[list(always)] = True
    few = np.flatnonzero(with_all)
    partners = [np.arange(one + 1, count) if with_all[one] else few[few > one] for one in range(count)]
    return np.repeat(np.arange(count), [len(own) for own in partners]), np.concatenate(partners)
