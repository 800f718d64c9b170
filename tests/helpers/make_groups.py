"""Shape groups made by hand, for tests of the sentences and tables about them."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pointwise_bench.report.analysis.groups import GroupRow, ReportGroup, Standing
from pointwise_bench.report.analysis.network_totals import Ratio, Total
from pointwise_bench.report.statistics.signs import Sign

LAYERS = (GroupRow("first", "n1c64h28w28-o128", 1), GroupRow("second", "n1c128h14w14-o64", 3))


def standing(
    backend: str,
    seconds: float | None,
    sign: Sign | None = None,
    *,
    behind: tuple[float, float, float] | None = None,
    timed: int = 2,
    leading: int = 2,
    of_roof: float = math.nan,
    speedup: float = math.nan,
    shared: int = 0,
) -> Standing:
    """A standing whose total is from half to twice as long; none without ``seconds``."""
    total = None if seconds is None else Total(seconds, seconds / 2, 2 * seconds)
    ratio = None if behind is None else Ratio(*behind)
    return Standing(backend, timed, leading, total, sign, ratio, of_roof, speedup, shared)


def group_of(
    name: str,
    standings: Sequence[Standing],
    *,
    threads: int = 1,
    layers: tuple[GroupRow, ...] = LAYERS,
    missing: tuple[GroupRow, ...] = (),
) -> ReportGroup:
    """A group of two layers, of which none is missing unless that is said."""
    return ReportGroup(name, threads, layers, missing, tuple(standings))
