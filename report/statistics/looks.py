"""What each look at a pair costs: the confidence is divided among all looks that could have ended the measuring."""

from __future__ import annotations

from pointwise_bench.common.verdict_rule import PLANNED_STARTS


def price_of_look(starts: int, first_look: int) -> int:
    """By what the share of false verdicts that a pair is allowed is divided where it is judged with ``starts`` starts.

    A run that is judged after the first start leaves out who can no longer be the fastest, and judges again after the
    second, the third, and as many as there is time for: look ``k`` gets ``1 / (k * (k + 1))``, a half, a sixth, a
    twelfth and so on. These add up to one however many looks there are, so that the chance of a false verdict at any
    of them is what was allowed (Bonferroni). The first look gets most, since it is the only one at most pairs;
    those that are looked at later have more rounds, which the price of a look hardly touches: ranks of the sign test
    grow with the root of its logarithm. Equal shares ``1 / k``, which do not add up, were rejected for this course.

    A run in which everybody has :data:`PLANNED_STARTS` before anything is judged spends all of it then. Those of its
    pairs that were undecided, and only those, are looked at again, at ``1 / k`` as every run so far: by Bonferroni the
    four looks of such a run may together err twice as often as one.
    """
    look = max(1, starts - first_look + 1)
    return look if first_look >= PLANNED_STARTS else look * (look + 1)
