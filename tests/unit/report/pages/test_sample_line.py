"""A line of samples: in the order of rounds, as high as wide, and short however many there are."""

from __future__ import annotations

import numpy as np
import pytest

from pointwise_bench.report.pages.sample_line import HEIGHT, MOST_POINTS, WIDTH, sample_line


def corners(samples: list[float], rounds: list[int] | None = None) -> list[tuple[int, int]]:
    places = np.arange(len(samples)) if rounds is None else np.array(rounds)
    line = sample_line(np.array(samples), places)
    return [(int(x), int(y)) for x, y in (point.split(",") for point in line.points.split())]


def test_it_goes_from_the_first_round_to_the_last_and_up_where_it_is_slower() -> None:
    assert corners([3.0, 1.0, 2.0], [2, 0, 1]) == [(0, HEIGHT - 1), (WIDTH // 2, HEIGHT // 2), (WIDTH, 1)]


@pytest.mark.parametrize("samples", [[1.0], [1.0, 1.0]])
def test_equal_samples_lie_in_the_middle(samples: list[float]) -> None:
    assert {y for _, y in corners(samples)} == {HEIGHT // 2}


def test_of_many_rounds_the_slowest_is_always_seen() -> None:
    samples = [1.0] * 40_000
    samples[12_345] = 9.0
    drawn = corners(samples)
    assert len(drawn) == MOST_POINTS
    assert sum(y == 1 for _, y in drawn) == 1


def test_words_say_how_many_and_from_where_to_where() -> None:
    assert sample_line(np.array([2e-3, 1e-3]), np.array([0, 1])).words == "2 rounds, 1.00 ms to 2.00 ms"
