"""What is drawn for every start: its range, and that it is drawn at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pointwise_bench.suites.harness.memory import random_layout
from pointwise_bench.suites.harness.memory.random_layout import LINE, PADDING_VARIABLE, PAGE, ballast, padding


class Extreme:
    """In place of chance: always the smallest or the largest value."""

    def __init__(self, largest: bool) -> None:
        self._largest = largest

    def randrange(self, start: int, stop: int | None = None) -> int:
        """The first or the last of the range."""
        first, end = (0, start) if stop is None else (start, stop)
        return end - 1 if self._largest else first


@pytest.mark.parametrize(("largest", "lines", "bytes_held", "letters"), [(False, 0, 1, 0), (True, 63, 16383, 4095)])
def test_the_ends_of_each_range(
    monkeypatch: pytest.MonkeyPatch, largest: bool, lines: int, bytes_held: int, letters: int
) -> None:
    """64 lines of 64 bytes are a page of 4096: a shift stays within one. A variable without letters is allowed."""
    monkeypatch.setattr(random_layout, "_random", Extreme(largest))
    assert (PAGE, LINE) == (4096, 64)
    assert random_layout.lines_into_page() == lines
    assert [len(one) for one in ballast()] == [bytes_held] * 16
    assert padding() == {PADDING_VARIABLE: "x" * letters}


@pytest.mark.parametrize(
    "draw",
    [random_layout.lines_into_page, lambda: [len(one) for one in ballast()], lambda: len(padding()[PADDING_VARIABLE])],
)
def test_two_starts_are_laid_out_differently(draw: Callable[[], Any]) -> None:
    """Equal in all of 20 draws only once in 64^19 times, where 64 values are the fewest of the three."""
    assert len({str(draw()) for _ in range(20)}) > 1


def test_the_runs_seed_does_not_foresee_it() -> None:
    """Python's own generator is what a plugin can seed."""
    import random

    random.seed(1)
    first = [random_layout.lines_into_page() for _ in range(20)]
    random.seed(1)
    assert first != [random_layout.lines_into_page() for _ in range(20)]
