"""A sign test over starts that may be looked at after every one of them: each start says which of two is faster.

Starts may be of two kinds: a backend whose threads wait for one another took 68 us in two starts of three and 112 us in
the others, on a virtual machine whose cores are not always near, and lost to another in every one of them. Their
variance is then so large that twenty did not tell, where their order does.

Were both as fast in the typical start, each start would fall to either side with a probability of one half. A gambler
who stakes on that, without debts and at fair odds, multiplies his stake by ``1 / alpha`` with a probability of
``alpha`` at most, however long he plays and whenever he stops (Ville, Etude critique de la notion de collectif, 1939).
So this test, other than those with fixed numbers of starts, has no price for a look. He bets as if one side won
:data:`_WINS` in :data:`_WINS` and a half, which side being open: half of the stake on each, by a Beta mixture (Robbins,
Annals of Mathematical Statistics 41, 1970).
"""

from __future__ import annotations

import math
from functools import cache
from itertools import count
from typing import Final

_WINS: Final = 9.0
_LOSSES: Final = 0.5
"""Of the mixture. With them nine starts on one side tell at 1 % and twelve at 0.1 %, near the eight and eleven that the
sign test of a single look takes; a flat mixture takes eleven and fourteen."""
_NEVER: Final = 200  # starts, beyond which nobody measures


@cache
def sequential_index(starts: int, alpha: float) -> int | None:
    """Index ``k`` (from 0) such that the sorted starts ``k`` and ``starts - 1 - k`` enclose the median one.

    The interval misses it at whatever number of starts, now or at any look before and after, with a probability of at
    most ``alpha``. ``None`` where the starts are too few.
    """
    found = None
    for contrary in range((starts + 1) // 2):
        if _log_stake(starts, contrary) < -math.log(alpha):
            break
        found = contrary
    return found


@cache
def more_to_tell(starts: int, contrary: int, alpha: float) -> float:
    """How many more starts tell which of two is faster, if all of them fall to the side of most so far.

    ``contrary`` of ``starts`` fell to the other; infinite where nobody would go on for so long.
    """
    for wanted in count(starts):
        if wanted > _NEVER:
            return math.inf
        index = sequential_index(wanted, alpha)
        if index is not None and index >= contrary:
            return wanted - starts
    raise AssertionError("counting does not end")


def _log_stake(starts: int, contrary: int) -> float:
    """What the gambler has after so many starts, of which ``contrary`` fell to one side: the logarithm of a factor."""
    one, other = (
        _log_beta(starts - lost + _WINS, lost + _LOSSES) - _log_beta(_WINS, _LOSSES)
        for lost in (contrary, starts - contrary)
    )
    return starts * math.log(2) + max(one, other) + math.log1p(math.exp(-abs(one - other))) - math.log(2)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
