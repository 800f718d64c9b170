"""Verdicts by hand and by rule: what a pair, its rounds and its starts decide, and what each look costs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from simulated_pairs import (
    NOISE,
    STARTS,
    Machine,
    judged,
    rates,
    rounds_of,
)

from pointwise_bench.common.verdict_rule import FEWEST_COMMON_ROUNDS, MARGIN, PLANNED_STARTS
from pointwise_bench.report.statistics.starts import Disagreement
from pointwise_bench.report.statistics.verdicts import (
    Field,
    Series,
    pair_up,
    usual_disagreement,
)
from pointwise_bench.suites.harness.design.policy import POLICY

# --- what a verdict is said of ------------------------------------------------------------------------------------


def test_ratio_is_time_of_b_over_time_of_a() -> None:
    fast, slow = rounds_of(np.full(31, 1.0)), rounds_of(np.full(31, 2.0))
    pairs = pair_up([fast, slow])
    assert (pairs.ratio[0], pairs.verdict[0]) == (pytest.approx(2.0), "faster")
    assert pair_up([slow, fast]).verdict[0] == "slower"
    assert pair_up([fast, rounds_of(np.full(31, 1.001))]).verdict[0] == "same"


def test_two_rounds_decide_nothing_however_large_the_difference() -> None:
    pairs = pair_up([rounds_of(np.full(31, 1.0)), rounds_of(np.full(FEWEST_COMMON_ROUNDS - 1, 100.0))])
    assert (pairs.verdict[0], pairs.rounds[0], bool(pairs.sign_tested[0])) == ("undecided", 2, False)


def test_rounds_too_few_for_a_sign_test_decide_what_no_scatter_explains() -> None:
    """Five rounds of 1.0 to 1.4 times as long: their range, and 1.96 standard deviations of single rounds more."""
    few = rounds_of(2.0 * np.array([1.0, 1.1, 1.2, 1.3, 1.4]))
    usual = Disagreement(round_sd=0.2)
    pairs = pair_up([rounds_of(np.full(31, 1.0)), few], usual=usual)
    assert (pairs.verdict[0], pairs.rounds[0], bool(pairs.sign_tested[0])) == ("faster", 5, False)
    assert pairs.low[0] == pytest.approx(2.0 * math.exp(-1.959964 * 0.2))
    assert pairs.high[0] == pytest.approx(2.8 * math.exp(1.959964 * 0.2))
    assert pair_up([rounds_of(np.full(31, 1.0)), few], usual=replace(usual, round_sd=0.4)).verdict[0] == "undecided"
    six = rounds_of(2.0 * np.array([1.0, 1.1, 1.2, 1.3, 1.4, 1.4]))
    pairs = pair_up([rounds_of(np.full(31, 1.0)), six], usual=usual)
    assert (pairs.low[0], pairs.high[0]) == (pytest.approx(2.0), pytest.approx(2.8))  # a sign test needs no more


def test_rounds_are_paired_before_they_are_ordered() -> None:
    # The same times in another order: ordered first, every ratio would be one.
    pairs = pair_up([rounds_of(np.tile([1.0, 2.0], 16)), rounds_of(np.tile([2.0, 1.0], 16))])
    assert (pairs.verdict[0], pairs.low[0], pairs.high[0]) == ("undecided", pytest.approx(0.5), pytest.approx(2.0))


def test_confidence_is_corrected_for_the_number_of_pairs() -> None:
    # Seven rounds hold an interval for one pair (2 / 2**7 is below 0.05), but not for six (above 0.05 / 6).
    series = [rounds_of(np.full(7, 1.0 + one)) for one in range(4)]
    assert pair_up(series[:2]).sign_tested.all()
    assert not pair_up(series).sign_tested.any()


def test_every_two_are_compared_once_and_in_order() -> None:
    pairs = pair_up([rounds_of(np.full(31, factor)) for factor in (1.0, 2.0, 8.0)])
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == [(0, 1), (0, 2), (1, 2)]
    assert pairs.ratio.tolist() == pytest.approx([2.0, 8.0, 4.0])


def test_one_backend_alone_has_no_pair() -> None:
    assert pair_up([rounds_of([1.0] * 9)]).ratio.size == 0
    assert pair_up([]).verdict.size == 0


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(1.0201, "faster"), (1.0199, "same"), (1 / 1.0201, "slower"), (1 / 1.0199, "same"), (1.0, "same")],
)
def test_a_steady_difference_is_judged_by_the_margin_alone(ratio: float, verdict: str) -> None:
    """Every round has the same ratio, so that the interval is a point."""
    pairs = pair_up([rounds_of(np.full(31, 1.0)), rounds_of(np.full(31, ratio))])
    assert (pairs.verdict[0], pairs.low[0], pairs.high[0]) == (verdict, pytest.approx(ratio), pytest.approx(ratio))


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ((0.001, 0.5), "faster"),  # surely not equal, and more than the margin in the middle
        ((-0.001, 0.5), "undecided"),  # more than the margin in the middle, but perhaps equal
        ((-0.5, -0.001), "slower"),
        ((-0.5, 0.001), "undecided"),
        ((0.0, 0.5), "undecided"),  # perhaps equal, to the last digit: ties of a coarse clock
        ((-0.5, 0.0), "undecided"),
        ((-0.019, 0.019), "same"),
        ((-0.021, 0.019), "undecided"),
        ((-0.019, 0.021), "undecided"),
    ],
)
def test_an_interval_is_judged_by_both_of_its_ends(ends: tuple[float, float], verdict: str) -> None:
    """Nine rounds: the interval is from the second to the eighth, and the middle is the fifth."""
    low, high = ends
    middle = 0.1 if low > 0 or high == 0.5 else -0.1 if high < 0 or low == -0.5 else 0.0
    logs = np.array([low - 1, low, low, middle, middle, middle, high, high, high + 1])
    pairs = pair_up([rounds_of(np.ones(9)), rounds_of(np.exp(logs))])
    assert (np.log(pairs.low[0]), np.log(pairs.high[0])) == (pytest.approx(low), pytest.approx(high))
    assert pairs.verdict[0] == verdict


LOGS = st.lists(st.floats(-2, 2), min_size=6, max_size=20)
MIRRORED = {"faster": "slower", "slower": "faster", "same": "same", "undecided": "undecided"}


# 150 examples: about a third decide something. A swapped end or sign shows in the first that does.
@settings(max_examples=150, deadline=None)
@given(LOGS, LOGS, st.integers(1, 4))
def test_the_other_way_round_everything_is_mirrored(one: list[float], other: list[float], starts: int) -> None:
    size = min(len(one), len(other))
    a, b = (Series.of(np.exp(logs[:size]), range(size), np.arange(size) % starts) for logs in (one, other))
    there, back = pair_up([a, b]), pair_up([b, a])
    assert 1 / back.ratio[0] == pytest.approx(there.ratio[0])
    assert (1 / back.high[0], 1 / back.low[0]) == (pytest.approx(there.low[0]), pytest.approx(there.high[0]))
    assert there.low[0] <= there.ratio[0] * (1 + 1e-12)
    assert there.ratio[0] <= there.high[0] * (1 + 1e-12)
    ends = np.log([there.low[0], there.high[0], there.ratio[0]])
    # Where an end lies on a limit to the last digit, rounding may decide differently on the way back.
    if min(np.abs(ends)) > 1e-9 and min(np.abs(np.abs(ends) - np.log1p(MARGIN))) > 1e-9:
        assert MIRRORED[str(there.verdict[0])] == back.verdict[0]


# 50 examples: one factor of time drops out of every ratio by algebra, whatever the series.
@settings(max_examples=50, deadline=None)
@given(LOGS, st.floats(0.1, 10))
def test_a_slower_machine_says_the_same(drawn: list[float], factor: float) -> None:
    """Of rounds that are equal, or differ by more than rounding: what is equal on one machine is so on the other."""
    logs = [round(each, 6) for each in drawn]
    quick = pair_up([rounds_of(np.ones(len(logs))), rounds_of(np.exp(logs))])
    slow = pair_up([rounds_of(np.full(len(logs), factor)), rounds_of(factor * np.exp(logs))])
    assert slow.ratio[0] == pytest.approx(quick.ratio[0])
    assert (slow.low[0], slow.high[0]) == (pytest.approx(quick.low[0]), pytest.approx(quick.high[0]))


# --- fewer starts and other rounds --------------------------------------------------------------------------------


@pytest.mark.parametrize(("starts", "ratio"), [(1, 1.1), (2, 1.08)])
def test_a_run_that_was_killed_early_is_compared_by_the_starts_that_it_has(starts: int, ratio: float) -> None:
    same = judged(Machine(starts=starts).run(8))
    assert {int(pair.starts[0]) for pair in same} == {starts}
    assert rates(same)["different"] <= 2
    assert rates(judged(Machine(ratio=ratio, starts=starts).run(9)))["faster"] >= 90


def test_two_starts_that_disagree_decide_little() -> None:
    assert rates(judged(Machine(effect=0.03, starts=2).run(10)))["different"] <= 5


def test_one_start_cannot_know_that_it_is_special_and_takes_the_runs_word_for_it() -> None:
    """With one start what the process keeps for life looks like the backend; other pairs of the run have shown it.

    The design effect is left out, which is learnt at another number of rounds and covers what it covers by chance.
    """
    others = Field(Machine(effect=0.03).run(1)).usual()
    assert others.start_sd == pytest.approx(0.03 * math.sqrt(2), rel=0.2)  # of both backends of a pair
    run, known = Machine(effect=0.03, starts=1).run(11), replace(others, effect=1.0)
    assert rates(Field(run).judged(usual=known))["different"] <= 7  # 5 are allowed, and 500 pairs are counted
    unaware = replace(known, start_sd=0.0)
    assert rates(Field(run).judged(usual=unaware))["different"] >= 30


def test_rounds_are_paired_by_name_and_not_by_place() -> None:
    """The machine is twice as slow in every other round. One series lacks rounds, and has another order."""
    wander = np.tile([1.0, 2.0], 30)
    names = np.arange(60)
    kept = np.random.default_rng(1).permutation(60)[:41]
    whole = Series.of(wander, names, names % STARTS)
    part = Series.of(1.05 * wander[kept], names[kept], names[kept] % STARTS)
    for pairs, expected in ((pair_up([whole, part]), 1.05), (pair_up([part, whole]), 1 / 1.05)):
        assert pairs.rounds[0] == 41
        assert (pairs.ratio[0], pairs.low[0], pairs.high[0]) == pytest.approx((expected, expected, expected))
    assert pair_up([whole, part]).verdict[0] == "faster"


def test_a_slow_backend_is_compared_over_the_rounds_that_it_has() -> None:
    generator = np.random.default_rng(1)
    fast, slow = Machine(ratio=3.0).pair(generator)
    few = np.concatenate([1000 * start + np.arange(4) for start in range(STARTS)])
    taken = np.isin(slow.rounds, few)
    pairs = pair_up([fast, Series(slow.log_seconds[taken], slow.rounds[taken], slow.processes[taken])])
    assert (pairs.rounds[0], pairs.starts[0], pairs.verdict[0]) == (12, STARTS, "faster")


def test_without_a_common_round_nothing_is_said() -> None:
    one, other = (Series.of([1.0] * 9, np.arange(9) + 1000 * number, [number] * 9) for number in range(2))
    pairs = pair_up([one, other])
    assert (pairs.rounds[0], pairs.starts[0], bool(pairs.sign_tested[0]), pairs.verdict[0]) == (
        0,
        0,
        False,
        "undecided",
    )
    assert (pairs.ratio[0], pairs.low[0], pairs.high[0], pairs.effect[0]) == (1.0, 1.0, 1.0, 1.0)
    assert pair_up([Series.of([], [], []), other]).verdict[0] == "undecided"


def test_a_start_of_either_backend_is_a_start_of_the_pair() -> None:
    """One of the two crashed and was replaced: from there on the pair is another one."""
    names = np.arange(30)
    one = Series.of(np.ones(30), names, np.zeros(30))
    other = Series.of(np.ones(30), names, np.repeat([0, 1, 7], 10))
    assert pair_up([one, other]).starts[0] == pair_up([other, one]).starts[0] == 3
    assert pair_up([other, other]).starts[0] == 3


@pytest.mark.parametrize(("of_one", "of_other"), [(2, 2), (3, 2), (2, 3), (3, 3), (1, 3)])
def test_every_pair_of_starts_is_one_of_its_own(of_one: int, of_other: int) -> None:
    """Each start of one backend met each of the other: no two of these pairs are taken for the same."""
    names = np.arange(of_one * of_other)
    one = Series.of(np.ones(names.size), names, names // of_other)
    other = Series.of(np.ones(names.size), names, names % of_other)
    assert pair_up([one, other]).starts[0] == of_one * of_other


def test_ties_are_evidence_of_equality() -> None:
    """A clock of few digits: most ratios are exactly one."""
    names, process = np.arange(60), np.repeat(np.arange(3), 20)
    level = Series.of(np.full(60, 1e-6), names, process)
    coarse = Series.of(np.where(names % 10 == 0, 1.1e-6, 1e-6), names, process)
    for pairs in (pair_up([level, level]), pair_up([level, coarse])):
        assert (pairs.ratio[0], pairs.low[0], pairs.high[0]) == (1.0, 1.0, 1.0)
        assert pairs.verdict[0] == "same"


def test_a_clock_that_stood_still_is_no_error() -> None:
    still = Series.of([0.0] * 9, range(9), [0, 1, 2] * 3)
    assert pair_up([still, still]).verdict[0] == "same"


def test_the_report_and_the_harness_plan_as_many_starts() -> None:
    assert POLICY.rounds.passes == PLANNED_STARTS


def test_more_looks_need_more_certainty() -> None:
    """A pair that was looked at again because it was undecided had more chances to be called different."""
    for starts in (PLANNED_STARTS, 2 * PLANNED_STARTS):
        names = np.arange(7)
        process = np.arange(7) % starts
        pairs = pair_up([Series.of(np.full(7, factor), names, process) for factor in (1.0, 2.0)])
        # Seven rounds hold an interval for one look (2 / 2**7 is below 0.05), but not for four (above 0.05 / 4).
        assert bool(pairs.sign_tested[0]) is (starts == PLANNED_STARTS)


@pytest.mark.parametrize(
    ("rounds", "starts", "sign_tested"),
    [
        # Six rounds hold an interval at 2 / 2**6 = 0.031: for one look, which up to three starts are, and not for two.
        (6, 1, True),
        (6, 2, True),
        (6, 3, True),
        (6, 4, False),
        # Seven at 2 / 2**7 = 0.0156: for three looks (0.05 / 3 = 0.0167), which five starts are, and not for four.
        (7, 5, True),
        (7, 6, False),
    ],
)
def test_every_start_beyond_the_planned_three_is_one_more_look(rounds: int, starts: int, sign_tested: bool) -> None:
    names = np.arange(rounds)
    pairs = pair_up([Series.of(np.full(rounds, factor), names, names % starts) for factor in (1.0, 2.0)])
    assert (pairs.starts[0], bool(pairs.sign_tested[0])) == (starts, sign_tested)


def test_what_is_usual_is_a_mean_by_hand() -> None:
    """Two pairs, of disagreements 2 and 6, with 2 and 4 starts: (1 * 2 + 3 * 6) / 4."""
    pair = pair_up([rounds_of(np.ones(9)), rounds_of(np.ones(9))])
    two = replace(pair, effect=np.array([2.0]), starts=np.array([2]))
    four = replace(pair, effect=np.array([6.0]), starts=np.array([4]))
    assert usual_disagreement([two, four]).effect == pytest.approx(5.0)
    none = replace(pair, effect=np.array([1.0]), starts=np.array([0]))
    assert usual_disagreement([two, four, none]).effect == pytest.approx(5.0)
    assert usual_disagreement([replace(two, effect=np.array([0.5]))]).effect == 1.0


def test_what_is_usual_is_counted_by_starts_and_never_below_one() -> None:
    assert usual_disagreement([]) == Disagreement()
    assert usual_disagreement([pair_up([])]) == Disagreement()
    one_start = pair_up(Machine(starts=1).pair(np.random.default_rng(1)))
    assert usual_disagreement([one_start]).effect == 1.0
    steady = Field(Machine().run(1, 200)).usual()
    assert steady.effect == pytest.approx(1.0, abs=0.15)
    assert steady.start_sd < 0.01  # of 400 starts, the prior of 0.03 counting as 30
    assert steady.round_sd == pytest.approx(NOISE, rel=0.5)
    moody = Field(Machine(effect=0.03).run(1, 200)).judged()
    known = usual_disagreement(moody)
    assert known.effect > 10
    beside = usual_disagreement([*moody, *[one_start] * 200])
    assert (beside.effect, beside.start_sd) == (known.effect, known.start_sd)
