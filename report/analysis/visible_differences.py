"""The smallest difference that a run could have seen: it stands beside each verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd

from pointwise_bench.report.analysis.series import values_of

RowKey = tuple[str, int, str]


def visible_percent(comparisons: pd.DataFrame, fastest: Mapping[tuple[str, int], str]) -> dict[RowKey, float]:
    """By problem, thread budget and backend: the smallest difference to the fastest that would have been decided.

    In percent: the half-width of the interval of their ratio, the wider side. Of the fastest itself it is that to whom
    is nearest by the middle of the ratio. ``fastest`` is its name by problem and thread budget; where it is compared
    with nobody there is no entry.
    """
    keys = list(zip(values_of(comparisons["problem"]), values_of(comparisons["threads"]), strict=True))
    leader = np.array([fastest.get(key, "") for key in keys], dtype=object)
    of_a, of_b = (comparisons[name].to_numpy(dtype=object) for name in ("backend_a", "backend_b"))
    about = np.flatnonzero((of_a == leader) | (of_b == leader))
    ratio, low, high = (comparisons[name].to_numpy(dtype=np.float64)[about] for name in ("ratio", "low", "high"))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = 100 * (np.maximum(high / ratio, ratio / low) - 1)
        away = np.abs(np.log(ratio))
    found: dict[RowKey, float] = {}
    nearest: dict[tuple[str, int], float] = {}
    for place, percent, distance in zip(about.tolist(), half.tolist(), away.tolist(), strict=True):
        key, name = keys[place], leader[place]
        other = of_b[place] if of_a[place] == name else of_a[place]
        found[(*key, other)] = percent
        if distance < nearest.get(key, math.inf):
            nearest[key] = distance
            found[(*key, name)] = percent
    return found
