"""A cell's samples by round, as a line small enough for a row of a table."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointwise_bench.report.analysis.wording import duration

WIDTH, HEIGHT = 120, 24
"""Of the drawing, in its own units."""

MOST_POINTS: Final = 40
"""A row has no room for more; of so many neighbouring rounds the largest is drawn, lest a disturbance vanish."""


class SampleLine(NamedTuple):
    """The corners of a line in an SVG of ``WIDTH`` by ``HEIGHT``, and the same in words."""

    points: str
    words: str


def sample_line(samples: NDArray[np.float64], rounds: NDArray[np.int64]) -> SampleLine:
    """From the smallest at the bottom to the largest at the top, in the order of the rounds."""
    drawn = samples[np.argsort(rounds, kind="stable")]
    if len(drawn) > MOST_POINTS:  # stretches as even as whole numbers allow
        drawn = np.maximum.reduceat(drawn, np.arange(MOST_POINTS) * len(drawn) // MOST_POINTS)
    low, high = float(samples.min()), float(samples.max())
    height = (drawn - low) / (high - low) if high > low else np.full(drawn.shape, 0.5)
    up = np.rint(HEIGHT - 1 - (HEIGHT - 2) * height).astype(np.int64).tolist()
    corners = " ".join([across + str(y) for across, y in zip(_across(len(up)), up, strict=True)])
    return SampleLine(corners, f"{len(samples):,} rounds, {duration(low)} to {duration(high)}")


@cache
def _across(count: int) -> tuple[str, ...]:
    """The first half of each of ``count`` corners, which all lines of so many have in common."""
    step = WIDTH / (count - 1) if count > 1 else 0.0
    first = 0.0 if count > 1 else WIDTH / 2
    return tuple(f"{first + step * place:.0f}," for place in range(count))
