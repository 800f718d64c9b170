"""Constants of timing: each has its reason, and no limit lies beyond what it limits."""

from __future__ import annotations

from imports import tree
from stated_reasons import without_reason

from pointwise_bench.report.statistics.order_statistics import interval_index
from pointwise_bench.suites.harness.design.policies import timing
from pointwise_bench.suites.harness.design.policy import POLICY


def test_every_field_says_its_reason() -> None:
    assert without_reason(tree(timing.__name__)) == []


def test_a_batch_of_the_warm_up_is_a_small_part_of_the_longest() -> None:
    assert 10 * POLICY.timing.warm_up_batch_s < POLICY.timing.longest_warm_up_s


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
