"""Who is fastest, who is the same, of whom that is unclear and who is slower, from verdicts made by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pointwise_bench.report.statistics.signs import LEADING, JudgedPairs, signs_of


def judged(*pairs: tuple[int, int, float, str]) -> JudgedPairs:
    first, second, ratio, verdict = zip(*pairs, strict=True)
    return JudgedPairs(np.array(first), np.array(second), np.array(ratio), np.array(verdict))


def test_each_of_four_has_its_word() -> None:
    pairs = judged(
        (0, 1, 1.01, "same"),
        (0, 2, 1.3, "undecided"),
        (0, 3, 2.0, "faster"),
        (1, 2, 1.3, "undecided"),
        (1, 3, 2.0, "faster"),
        (2, 3, 1.5, "undecided"),
    )
    assert signs_of([1.0, 1.01, 1.3, 2.0], pairs) == ["fastest", "same", "undecided", "slower"]


def test_whoever_is_far_off_does_not_lead_for_want_of_evidence() -> None:
    assert signs_of([17.9, 0.127], judged((0, 1, 1 / 140, "undecided"))) == ["undecided", "fastest"]


@pytest.mark.parametrize(("seconds", "signs"), [([1.0, 1.01], ["fastest", "same"]), ([1.01, 1.0], ["same", "fastest"])])
def test_of_those_that_are_the_same_the_shortest_time_is_named_first(seconds: list[float], signs: list[str]) -> None:
    assert signs_of(seconds, judged((0, 1, 1.0, "same"))) == signs


def test_one_alone_is_the_fastest_and_nobody_is_none() -> None:
    empty = np.empty(0)
    nothing = JudgedPairs(empty.astype(np.int64), empty.astype(np.int64), empty, empty.astype(np.str_))
    assert signs_of([1.0], nothing) == ["fastest"]
    assert signs_of([], nothing) == []


def test_want_of_evidence_and_being_slower_are_no_share_of_the_lead() -> None:
    assert LEADING == ("fastest", "same")
