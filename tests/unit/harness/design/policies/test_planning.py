"""Constants of planning: each has its reason, and they leave room for one another."""

from __future__ import annotations

import ast

import pytest
from imports import tree
from stated_reasons import without_reason

from pointwise_bench.report.statistics.order_statistics import interval_index
from pointwise_bench.suites.harness.design.policies import planning
from pointwise_bench.suites.harness.design.policy import POLICY


def test_every_field_says_its_reason() -> None:
    assert without_reason(tree(planning.__name__)) == []


@pytest.mark.parametrize("after", ["", "    turns: int = 3", '    """Too short."""', "    3"])
def test_a_field_without_one_is_found(after: str) -> None:
    source = f'class Group:\n    """Of this and that, too."""\n    share: float = 0.1\n{after}'
    assert "Group: share: float = 0.1" in without_reason(ast.parse(source))


def test_rounds_and_passes_have_an_order() -> None:
    rounds = POLICY.rounds
    assert 0 < rounds.fewest <= rounds.telling <= rounds.usual <= rounds.most
    assert rounds.passes <= rounds.most_passes <= rounds.most_passes_in_budget
    assert 1 < rounds.alike <= rounds.span


def test_the_shares_of_a_budget_leave_most_of_it_for_measuring() -> None:
    budget, screening = POLICY.budget, POLICY.screening
    beside = budget.closing_share + budget.gauging_share + budget.last_gauging_share
    assert beside + POLICY.controls.share + POLICY.properties.share + POLICY.sequence.share < 0.25
    assert screening.scouting_share < screening.share < screening.short_share < 1


def test_who_is_near_is_not_far() -> None:
    screening = POLICY.screening
    assert 1 < screening.near < screening.far
    assert screening.far_rounds < screening.rounds_in_haste < screening.rounds
    assert screening.fewest_scouts <= screening.most_scouts


def test_a_claim_has_a_small_part_of_what_all_have() -> None:
    claims = POLICY.claims
    assert claims.most_wait_s < claims.longest_wait_alone_s < claims.alone_s / 4
    assert claims.fewest_rounds <= claims.most_rounds
    assert claims.first_share + claims.share_of_visit < 1


def test_a_worker_is_ended_for_a_sequence_after_it_should_have_answered_and_a_median_has_an_interval() -> None:
    sequence = POLICY.sequence
    assert sequence.asked_share < 1
    assert sequence.least_s <= sequence.share * sequence.shortest_budget_s < sequence.seconds
    assert interval_index(sequence.fewest_rounds) is not None
    assert interval_index(sequence.fewest_rounds - 1) is None
    assert sequence.fewest_rounds <= sequence.most_rounds
