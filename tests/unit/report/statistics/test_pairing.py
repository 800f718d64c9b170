"""Which rounds two series have in common, and which pairs are reckoned with together."""

from __future__ import annotations

import numpy as np
import pytest

from pointwise_bench.report.statistics import pairing
from pointwise_bench.report.statistics.chosen_pairs import every_two
from pointwise_bench.report.statistics.pairing import Part, Series, alike


def series(rounds: list[int], starts: list[int] | None = None, times: float = 1.0) -> Series:
    """A round takes as many seconds as the number it has, and one more; or some times that."""
    seconds = [times * (1.0 + number) for number in rounds]
    return Series.of(seconds, rounds, [0] * len(rounds) if starts is None else starts)


def parts_of(problems: list[list[Series]]) -> list[Part]:
    return [part for one in alike(problems, [every_two(len(own)) for own in problems]) for part in one.parts()]


def test_a_clock_that_stood_still_has_a_logarithm() -> None:
    logs = Series.of([0.0, 1e-9], [0, 1], [0, 0]).log_seconds
    assert np.exp(logs) == pytest.approx([1e-12, 1e-9])


def test_only_common_rounds_are_paired_each_with_its_own() -> None:
    (part,) = parts_of([[series([0, 2, 4, 6]), series([6, 5, 4])]])
    assert part.places.tolist() == [0]
    assert part.ratios.values.tolist() == [[0.0, 0.0]]  # rounds 4 and 6, of the same length in both
    assert part.ratios.count == 1


def test_pairs_with_the_same_rounds_are_one_part_whichever_problem_they_are_of() -> None:
    same, fewer = series([0, 1, 2]), series([0, 1])
    found = parts_of([[same, same, fewer], [same, same, same]])
    by_rounds = {part.ratios.labels.size: sorted(part.places.tolist()) for part in found}
    assert by_rounds == {3: [0, 3, 4, 5], 2: [1, 2]}


def test_a_start_of_either_is_a_start_of_the_pair() -> None:
    (part,) = parts_of([[series([0, 1, 2, 3], [0, 0, 1, 1]), series([0, 1, 2, 3], [0, 1, 1, 1])]])
    assert part.ratios.count == 3


def test_every_two_starts_are_a_start_of_the_pair_of_their_own() -> None:
    rounds, starts = list(range(9)), [0, 1, 2]
    first, second = (sorted(3 * starts), 3 * starts)
    (part,) = parts_of([[series(rounds, first), series(rounds, second)]])
    assert part.ratios.count == 9


def test_each_problem_pairs_series_of_its_own() -> None:
    """Those of a problem take as many times the first one's as it says."""
    problems = [[series([0, 1], None, times) for times in (1.0, more, 4.0 * more)] for more in (2.0, 3.0, 5.0)]
    (part,) = parts_of(problems)
    of_pairs = [ratio for more in (2.0, 3.0, 5.0) for ratio in (more, 4.0 * more, 4.0)]
    assert np.exp(part.ratios.values).tolist() == [pytest.approx([ratio] * 2) for ratio in of_pairs]


@pytest.mark.parametrize(("ratios", "pairs"), [(7, 3), (1, 1)])
def test_no_more_are_reckoned_with_at_once_than_caches_hold_and_at_least_a_pair(
    ratios: int, pairs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairing, "_AT_ONCE", ratios)
    found = parts_of([[series([0, 1])] * 4])
    assert [part.places.tolist() for part in found] == [list(range(6))[at : at + pairs] for at in range(0, 6, pairs)]


def test_nothing_in_common_is_no_part() -> None:
    assert parts_of([[series([0, 1]), series([2, 3])], [series([0])], []]) == []


@pytest.mark.parametrize("backends", [2, 3, 7, 18])
def test_rivals_are_all_but_oneself(backends: int) -> None:
    (part,) = parts_of([[series([0, 1, 2])] * backends])
    assert part.rivals == backends - 1
    assert part.among == backends * (backends - 1) / 2
