"""How often verdicts err, and find what there is, on simulated machines whose truth is known.

Rates are counted over hundreds of simulated pairs with a fixed seed, so that they are the same in every run.
"""

from __future__ import annotations

import numpy as np
import pytest
from make_run import drifting
from simulated_pairs import (
    UNAWARE,
    Machine,
    judged,
    rates,
    rounds_of,
    without_starts,
)

from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.statistics.verdicts import (
    Field,
)

# --- identical backends -------------------------------------------------------------------------------------------


def test_identical_backends_under_drift_are_rarely_told_apart() -> None:
    generator = np.random.default_rng(1)
    # Noise far above the margin: the confidence of the interval alone must hold the verdicts back.
    run = [[rounds_of(each) for each in drifting(generator, [1.0, 1.0], noise=0.2)] for _ in range(500)]
    verdicts = [pairs.verdict[0] for pairs in Field(run).judged()]
    assert sum(verdict in ("faster", "slower") for verdict in verdicts) <= 25


@pytest.mark.parametrize("seed", [1, 2])
def test_identical_backends_under_drift_are_called_different_in_two_percent_at_most(seed: int) -> None:
    found = rates(judged(Machine().run(seed)))
    assert found["different"] <= 2
    assert found["same"] >= 90  # and not for want of a verdict


def test_the_noise_alone_does_not_make_a_difference() -> None:
    """So much of it that most medians differ by more than the margin: the interval alone holds the verdicts back."""
    found = judged(Machine(noise=0.4).run(3))
    assert np.mean([abs(pair.ratio[0] - 1) > MARGIN for pair in found]) > 0.3
    assert rates(found)["different"] <= 5


def test_identical_backends_whose_starts_differ_are_rarely_told_apart_and_a_pooled_test_tells_many() -> None:
    run = Machine(effect=0.03).run(1)
    assert rates(judged(run))["different"] <= 5
    pooled = rates(Field([without_starts(pair) for pair in run]).judged(usual=UNAWARE))
    assert pooled["different"] >= 30
    assert pooled["same"] >= 10  # an accident as well: the starts happened to cancel


def test_small_differences_between_starts_are_not_taken_for_the_backends_either() -> None:
    run = Machine(effect=0.015).run(4)
    assert rates(judged(run))["different"] <= 5
    assert rates(Field([without_starts(pair) for pair in run]).judged(usual=UNAWARE))["different"] >= 10


def test_without_the_runs_usual_disagreement_three_starts_know_too_little_of_their_own() -> None:
    """Why the run's other pairs are asked: three starts of one pair may agree by accident."""
    run = Machine(effect=0.03).run(1)
    assert rates(Field(run).judged())["different"] > 2 * rates(judged(run))["different"]


# --- backends that differ -----------------------------------------------------------------------------------------


def test_planted_difference_is_found_under_drift() -> None:
    generator = np.random.default_rng(2)
    run = [[rounds_of(each) for each in drifting(generator, [1.0, 1.05])] for _ in range(200)]
    verdicts = [pairs.verdict[0] for pairs in Field(run).judged()]
    assert verdicts.count("faster") >= 180
    assert verdicts.count("slower") == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_three_percent_are_found_and_with_the_right_sign(seed: int) -> None:
    found = rates(judged(Machine(ratio=1.03).run(seed)))
    assert found["faster"] >= 90
    assert found["slower"] == 0
    assert rates(judged(Machine(ratio=1 / 1.03).run(seed)))["slower"] >= 90


@pytest.mark.parametrize("ratio", [1.01, 1 / 1.01])
def test_one_percent_is_within_the_margin(ratio: float) -> None:
    assert rates(judged(Machine(ratio=ratio).run(5)))["different"] <= 5


def test_a_difference_larger_than_what_the_starts_make_is_found_all_the_same() -> None:
    found = rates(judged(Machine(ratio=1.15, effect=0.02).run(6)))
    assert found["faster"] >= 90


def test_a_difference_within_the_margin_is_never_called_faster_however_sure_it_is() -> None:
    steady = Machine(ratio=1 + 0.9 * MARGIN, rounds=400)
    assert rates(judged(steady.run(7, pairs=50)))["different"] == 0
