"""Problems that are spread over a selection: by size, channels and pixels, the most typical first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointwise_bench import Problem


def spread(problems: Sequence[Problem], count: int | None = None) -> list[int]:
    """The numbers of ``count`` problems (all without it), each as far as can be from those before it.

    The first is the one nearest to the middle of all, so that one problem alone is a typical one. Distances are between
    the logarithms of multiply-adds, channels and pixels, each scaled to its own spread (farthest-point traversal, T. F.
    Gonzalez, Theoretical Computer Science 38, 1985).
    """
    if not problems:
        return []
    places = _places(problems)
    chosen = [int(np.argmin(np.linalg.norm(places - np.median(places, axis=0), axis=1)))]
    nearest = np.linalg.norm(places - places[chosen[0]], axis=1)
    nearest[chosen[0]] = -1.0
    for _ in range(min(len(problems), count or len(problems)) - 1):
        farthest = int(np.argmax(nearest))
        chosen.append(farthest)
        nearest = np.minimum(nearest, np.linalg.norm(places - places[farthest], axis=1))
        nearest[chosen] = -1.0
    return chosen


def _places(problems: Sequence[Problem]) -> NDArray[np.float64]:
    sizes = [
        (each.macs, each.in_channels, each.out_channels, each.batch * each.height * each.width) for each in problems
    ]
    logs = np.log(np.maximum(np.array(sizes, dtype=np.float64), 1.0))
    return np.asarray((logs - logs.mean(axis=0)) / np.maximum(logs.std(axis=0), 1e-9), dtype=np.float64)
