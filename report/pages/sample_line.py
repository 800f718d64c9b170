"""A cell's samples by round, as a line small enough for a row of a table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
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
    (line,) = sample_lines([(samples, rounds)])
    return line


def sample_lines(series: Sequence[tuple[NDArray[np.float64], NDArray[np.int64]]]) -> list[SampleLine]:
    """The line of each pair of samples and rounds.

    Those with the same rounds are drawn together: one by one the lines took a quarter of the time of their page.
    """
    alike: defaultdict[bytes, list[int]] = defaultdict(list)
    for number, (_, rounds) in enumerate(series):
        alike[rounds.tobytes()].append(number)
    found: dict[int, SampleLine] = {}
    for numbers in alike.values():
        rows = np.stack([series[number][0] for number in numbers])
        found |= zip(numbers, _lines(rows, series[numbers[0]][1]), strict=True)
    return [found[number] for number in range(len(series))]


def _lines(samples: NDArray[np.float64], rounds: NDArray[np.int64]) -> list[SampleLine]:
    """Of rows of ``samples``, all in these ``rounds``."""
    drawn, count = samples[:, np.argsort(rounds, kind="stable")], len(rounds)
    if count > MOST_POINTS:  # stretches as even as whole numbers allow
        drawn = np.maximum.reduceat(drawn, np.arange(MOST_POINTS) * count // MOST_POINTS, axis=1)
    low, high = samples.min(axis=1, keepdims=True), samples.max(axis=1, keepdims=True)
    height = np.full(drawn.shape, 0.5)
    np.divide(drawn - low, high - low, out=height, where=high > low)
    up = np.rint(HEIGHT - 1 - (HEIGHT - 2) * height).astype(np.int64).tolist()
    corners = _corners(drawn.shape[1])
    return [
        SampleLine(
            " ".join([at[y] for at, y in zip(corners, row, strict=True)]),
            f"{count:,} rounds, {duration(least)} to {duration(most)}",
        )
        for row, least, most in zip(up, low[:, 0].tolist(), high[:, 0].tolist(), strict=True)
    ]


@cache
def _corners(count: int) -> tuple[tuple[str, ...], ...]:
    """Of each of ``count`` corners of a line how it is written, by its height."""
    step = WIDTH / (count - 1) if count > 1 else 0.0
    first = 0.0 if count > 1 else WIDTH / 2
    return tuple(tuple(f"{first + step * place:.0f},{y}" for y in range(HEIGHT)) for place in range(count))
