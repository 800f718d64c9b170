"""Verdicts of pairs that are judged together: after every start, beside others with other rounds, of many problems."""

from __future__ import annotations

import math
import time
from dataclasses import fields

import numpy as np
import pytest
from simulated_pairs import (
    rounds_of,
)

from pointwise_bench.common.verdict_rule import PLANNED_STARTS
from pointwise_bench.report.statistics import pairing
from pointwise_bench.report.statistics.early_intervals import rounds_leave_open
from pointwise_bench.report.statistics.looks import PRICE_OF_ORDER, price_of_look
from pointwise_bench.report.statistics.order_statistics import ClusterRows
from pointwise_bench.report.statistics.sequential_signs import sequential_index
from pointwise_bench.report.statistics.starts import Disagreement, spread
from pointwise_bench.report.statistics.verdicts import (
    Field,
    Pairs,
    Series,
    pair_up,
    usual_disagreement,
)

# --- screening and finals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("starts", [1, 2, 3, 4, 5])
def test_a_run_that_is_judged_after_every_start_pays_for_every_look_and_for_every_rival(starts: int) -> None:
    """Of three backends each has two rivals: a half of 5 %, divided by the price of the look."""
    usual, size = Disagreement(start_sd=0.0, first_look=1), 12 * starts
    names = np.arange(size)
    series = [Series.of(np.full(size, factor), names, names % starts) for factor in (1.0, 1.1, 1.3)]
    pairs = pair_up(series, usual=usual)
    alpha = 0.05 / 2 / price_of_look(starts, first_look=1)
    still = rounds_leave_open(size, starts, np.zeros(1), alpha, usual)
    assert np.log(pairs.high / pairs.ratio) == pytest.approx(np.repeat(still, 3))
    assert np.log(pairs.ratio / pairs.low) == pytest.approx(np.repeat(still, 3))
    assert not pairs.sign_tested.any()


def test_of_starts_enough_for_their_order_the_interval_by_their_variance_keeps_the_share_of_its_look() -> None:
    """Twelve starts of which two are far off, on either side: their variance says more than their range."""
    usual, starts = Disagreement(first_look=1), 12
    shifts = np.array([-0.1, *[-0.005, 0.005] * 5, 0.1]).repeat(12)
    names = np.arange(shifts.size)
    labels = names // 12
    pairs = pair_up([Series.of(np.exp(each), names, labels) for each in (np.zeros(names.size), shifts)], usual=usual)
    own = spread(ClusterRows.of(shifts[np.newaxis], labels))
    alpha = 0.05 / price_of_look(starts, first_look=1)
    still = rounds_leave_open(names.size, starts, own.scatter, alpha, usual)
    half = np.hypot(still, usual.shifts(alpha, starts, own.between))
    assert sequential_index(starts, 0.05 / PRICE_OF_ORDER) is not None
    assert np.log(pairs.high / pairs.ratio) == pytest.approx(half)
    assert np.log(pairs.ratio / pairs.low) == pytest.approx(half)


@pytest.mark.parametrize(("starts", "lacking"), [(1, 1.0), (2, 0.5), (3, 0.0), (4, 0.0)])
def test_fewer_starts_than_planned_widen_the_interval_by_what_the_others_would_have_told(
    starts: int, lacking: float
) -> None:
    usual = Disagreement(start_sd=0.1)
    pairs = pair_up([rounds_of(np.full(31, factor), starts) for factor in (1.0, 1.5)], usual=usual)
    wider = math.exp(1.959964 * 0.1 * lacking)
    assert (pairs.low[0], pairs.high[0]) == (pytest.approx(1.5 / wider), pytest.approx(1.5 * wider))


def test_pairs_with_other_rounds_or_starts_are_measured_as_if_alone() -> None:
    """Pairs that are alike are measured together; here no two of six series are, but for the first two."""
    generator = np.random.default_rng(5)
    series = [
        Series.of(np.exp(generator.normal(0.1 * number, 0.05, rounds)), np.arange(rounds), np.arange(rounds) % starts)
        for number, (rounds, starts) in enumerate(((31, 3), (31, 3), (31, 2), (14, 1), (5, 3), (20, 4)))
    ]
    together = pair_up(series)
    for place, (a, b) in enumerate(zip(together.first.tolist(), together.second.tolist(), strict=True)):
        # As many pairs, so that the confidence is divided alike: every other series lacks rounds.
        nothing = Series.of([], [], [])
        alone = pair_up([series[a], series[b], *[nothing] * 4])
        for name in ("ratio", "low", "high", "rounds", "starts", "effect", "sign_tested", "verdict"):
            assert getattr(alone, name)[0] == getattr(together, name)[place], (a, b, name)


def test_all_pairs_of_forty_backends_are_compared_in_a_moment() -> None:
    """A run asks again and again, between its passes: 780 pairs, half of them with few rounds."""
    generator = np.random.default_rng(6)
    rounds = [14, 3] * 20
    series = [rounds_of(np.exp(generator.normal(0, 0.05, each)), starts=1) for each in rounds]
    pair_up(series)
    began = time.process_time()
    for _ in range(10):
        pair_up(series)
    assert (time.process_time() - began) / 10 < 0.1  # 5 ms are usual; pair by pair it took 0.2 s


# --- many problems at once ----------------------------------------------------------------------------------------


def some_problems(seed: int = 5) -> list[list[Series]]:
    """Of nought to five backends each, whose rounds are the same, fewer, in another order, or none in common."""
    generator = np.random.default_rng(seed)
    names = 1000 * np.repeat(np.arange(3), 6) + np.tile(np.arange(6), 3)
    kinds = [names, names[:12], generator.permutation(names), names[::2], names[:4], names + 5000]
    return [
        [
            Series.of(np.exp(generator.normal(0.2 * place, 0.03, len(rounds))), rounds, rounds // 1000 % 4)
            for place in range(size)
            for rounds in [kinds[int(generator.choice(6, p=[0.5, 0.1, 0.1, 0.1, 0.1, 0.1]))]]
        ]
        for size in (4, 0, 2, 5, 1, 4, 3, 5, 2, 2)
    ]


@pytest.mark.parametrize("first_look", [1, PLANNED_STARTS])
@pytest.mark.parametrize("at_once", [1, 40, 2**18])
def test_the_pairs_of_many_problems_are_those_of_each(
    first_look: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the last digit, however many are reckoned with together, and in the order of the problems."""
    problems = some_problems()
    alone = [pair_up(series, usual=Disagreement(first_look=first_look)) for series in problems]
    monkeypatch.setattr(pairing, "_AT_ONCE", at_once)
    field = Field(problems)
    usual = usual_disagreement(alone, first_look)
    assert field.usual(first_look) == usual
    for found, series in zip(field.judged(usual=usual), problems, strict=True):
        expected = pair_up(series, usual=usual)
        for column in fields(Pairs):
            assert np.array_equal(
                getattr(found, column.name), getattr(expected, column.name), equal_nan=column.name != "verdict"
            ), column.name
    assert {str(verdict) for pairs in alone for verdict in pairs.verdict} >= {"faster", "undecided"}


def test_no_problem_has_no_pairs() -> None:
    assert Field([]).judged() == []
    assert Field([]).usual(1) == Disagreement(first_look=1)
    assert [pairs.ratio.size for pairs in Field([[], [], [rounds_of([1.0])]]).judged()] == [0, 0, 0]
