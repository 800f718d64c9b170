"""What each look at a pair costs: the confidence is divided among all looks that could have ended the measuring."""

from __future__ import annotations

from typing import Final

from pointwise_bench.common.verdict_rule import PLANNED_STARTS

PRICE_OF_ORDER: Final = 4
"""The same for what :mod:`sequential_signs` decides at any look, in a run that is judged after the first start."""


def price_of_look(starts: int, first_look: int) -> int:
    """By what the share of false verdicts that a pair is allowed is divided where it is judged with ``starts`` starts.

    A run that is judged after the first start leaves out who can no longer be the fastest, and judges again after the
    second, the third, and as many as there is time for. The looks after one, two and three starts get one, two and
    three twelfths, all later ones a quarter: ``1 / (k * (k + 1))`` of it at the ``k``-th of them. The last quarter,
    :data:`PRICE_OF_ORDER`, is for the order of starts. These add up to one however many looks there are, so that the
    chance of a false verdict at any of them is what was allowed (Bonferroni). Shares that fall from the first look on
    were rejected: what the first look decides is far apart as a rule, and one start knows least; close calls, which
    need all they can get, are decided with three and more.

    A run in which everybody has :data:`PLANNED_STARTS` before anything is judged spends all of it then. Those of its
    pairs that were undecided, and only those, are looked at again, at ``1 / k`` as every run so far: by Bonferroni the
    four looks of such a run may together err twice as often as one.
    """
    look = max(1, starts - first_look + 1)
    if first_look >= PLANNED_STARTS:
        return look
    seen = max(starts, first_look)
    later = seen - PLANNED_STARTS
    return 4 * later * (later + 1) if later > 0 else 12 // seen
