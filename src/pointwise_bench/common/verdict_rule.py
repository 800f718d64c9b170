"""The numbers of the rule by which two backends are compared; the rule itself is ``report.statistics.verdicts``.

Here, because a run plans by them what the report decides by them later, and records them.
"""

from __future__ import annotations

from typing import Final

MARGIN: Final = 0.02
"""Of practical equality. Below this a difference is of no practical use, and code alignment alone can produce it."""

ALPHA: Final = 0.05
"""One less the confidence of an interval, before it is divided among the pairs of a problem and the looks at one."""

PLANNED_STARTS: Final = 3
"""Of each worker, in every run. More of them mean that the pair was undecided, and looked at again."""

USUAL_COUNTS_AS: Final = 4
"""How many starts the whole run's disagreement counts as, beside a pair's own: with three starts a pair knows little
about its own, and a run has hundreds of pairs."""

START_SD: Final = 0.03
"""Standard deviation of what a start shifts all rounds of a pair by, as a log ratio, before a run knows its own."""

START_SD_COUNTS_AS: Final = 30
"""How many starts beyond a pair's first that counts as."""

TYPICAL_ROUND_SD: Final = 0.06
"""What a pair's rounds are taken to scatter by in a run that judges pairs early, before it knows its own: three runs of
ten minutes on a shared machine had 0.064, 0.060 and 0.036."""

TYPICAL_QUANTILE: Final = 0.75
"""Share of a run's pairs whose rounds scatter less than what is taken for typical."""

ROUND_SD: Final = 0.2
"""Standard deviation of single rounds of a pair within a start, as a log ratio, before a run knows its own: nine in ten
pairs of two recorded runs on shared machines stayed below 0.19 and 0.25."""

ROUND_SD_QUANTILE: Final = 0.9
"""Share of a run's pairs that scatter less than what is taken for a pair whose rounds are too few to tell."""

FEWEST_COMMON_ROUNDS: Final = 3
"""Below which no difference is decided: a single disturbed round must not be a majority."""

COMMON_TO_LAYERS: Final = 0.25
"""Share of the errors of layers' ratios that is taken for common to all layers of a network, where they add up. No two
layers are timed in the same stretch of time, but one start of a worker serves all of them."""
