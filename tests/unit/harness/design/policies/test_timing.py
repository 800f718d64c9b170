"""Constants of timing: each has its reason, and no limit lies beyond what it limits."""

from __future__ import annotations

from imports import tree
from stated_reasons import without_reason

from pointwise_bench.suites.harness.design.policies import timing
from pointwise_bench.suites.harness.design.policy import POLICY


def test_every_field_says_its_reason() -> None:
    assert without_reason(tree(timing.__name__)) == []


def test_a_batch_of_the_warm_up_is_a_small_part_of_the_longest() -> None:
    assert 10 * POLICY.timing.warm_up_batch_s < POLICY.timing.longest_warm_up_s
