"""Constants of judging: each has its reason, and those of verdicts are those of the rule."""

from __future__ import annotations

from imports import tree
from stated_reasons import without_reason

from pointwise_bench.common import verdict_rule
from pointwise_bench.suites.harness.design.policies import judging
from pointwise_bench.suites.harness.design.policy import POLICY


def test_every_field_says_its_reason() -> None:
    """Those of the rule of verdicts say it where the rule's numbers stand."""
    assert without_reason(tree(judging.__name__), but="VerdictPolicy") == []


def test_the_verdicts_are_those_of_the_rule_and_all_of_them() -> None:
    assert vars(POLICY.verdict) == {
        name.lower(): value for name, value in vars(verdict_rule).items() if name.isupper() and name != "Final"
    }


def test_a_clock_is_convicted_by_several_turns_of_those_that_are_asked() -> None:
    acceptance = POLICY.acceptance
    assert 1 < acceptance.telling_turns < acceptance.most_long_turns
    assert acceptance.telling_turn_s > 10 * POLICY.rounds.turn_s


def test_what_reads_a_result_late_is_told_from_what_reads_it_at_once() -> None:
    gate = POLICY.gate
    assert 1 < gate.copies_at_once < gate.copies_in_reading
    assert gate.least_told < 1 < gate.most_told
