"""A cell's samples by round, as a line small enough for a row of a table."""

from __future__ import annotations

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
    ordered = samples[np.argsort(rounds, kind="stable")]
    # Ends of stretches as even as whole numbers allow.
    starts = np.unique(np.linspace(0, len(ordered), min(MOST_POINTS, len(ordered)), endpoint=False, dtype=np.int64))
    drawn = np.maximum.reduceat(ordered, starts)
    low, high = float(samples.min()), float(samples.max())
    height = (drawn - low) / (high - low) if high > low else np.full(drawn.shape, 0.5)
    across = np.linspace(0, WIDTH, len(drawn)) if len(drawn) > 1 else np.array([WIDTH / 2])
    up = HEIGHT - 1 - (HEIGHT - 2) * height
    corners = (f"{x:.0f},{y:.0f}" for x, y in zip(across.tolist(), up.tolist(), strict=True))
    return SampleLine(" ".join(corners), f"{len(samples):,} rounds, {duration(low)} to {duration(high)}")
