"""What writers and readers of a run agree on, where one value must fit another."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from places import ROOT

from pointwise_bench.common import formats
from pointwise_bench.suites.harness.design.policies import planning
from pointwise_bench.suites.harness.design.policy import POLICY, Policy


def test_the_rounds_of_two_passes_never_have_one_number() -> None:
    assert max(POLICY.rounds.most, POLICY.rounds.usual, POLICY.claims.most_rounds) < formats.ROUNDS_APART


def test_no_run_comes_near_the_bounds_of_its_files() -> None:
    """What policy allows at most, and what recorded runs have, is a part of what is read."""
    starts = max(POLICY.rounds.most_passes, POLICY.rounds.most_passes_in_budget)
    assert starts * formats.ROUNDS_APART <= formats.MOST_ROUNDS_OF_A_CELL
    assert starts * max(POLICY.rounds.most, POLICY.rounds.usual) * 10 < formats.MOST_ROUNDS_OF_A_CELL
    line = json.dumps({"samples_s": [1.234567e-05] * formats.MOST_ROUNDS_OF_A_CELL})
    assert 4 * len(line) < formats.LONGEST_LINE < formats.MOST_LINES_BYTES
    for name, most in (("run.json", formats.MOST_RUN_BYTES), ("*.jsonl", formats.MOST_LINES_BYTES)):
        sizes = [path.stat().st_size for path in (ROOT / "results").glob(f"*/*/{name}")]
        assert 0 < max(sizes) < most


def test_a_command_of_ours_ends_a_bad_usage_as_pytest_does() -> None:
    assert int(pytest.ExitCode.USAGE_ERROR) == formats.USAGE_ERROR


def test_files_of_a_run_have_names_of_their_own() -> None:
    names = [value for name, value in vars(formats).items() if name.endswith("_FILE")]
    assert len(names) == len(set(names)) >= 5
    assert all(Path(name).name == name for name in names)


def test_constants_of_planning_are_no_rules_and_all_others_are() -> None:
    """By the file in which the class stands that declares them: one that is put into another group is found."""
    rules = formats.rules_of(POLICY.written())
    for group in fields(Policy):
        values = getattr(POLICY, group.name)
        for field in fields(values):
            declared = [one for one in type(values).mro() if field.name in vars(one).get("__annotations__", {})]
            is_rule = field.name in rules.get(group.name, {})
            assert is_rule is (declared[-1].__module__ != planning.__name__), f"{group.name}.{field.name}"


@pytest.mark.parametrize(
    ("policy", "rules"),
    [
        ({}, {}),
        ({"rounds": {"turn_s": 1, "usual": 2, "new": 3}, "costs": {"new": 4}}, {"rounds": {"turn_s": 1}}),
        ({"gate": {"new": 1}, "new": {"one": 2}, "newer": 3}, {"gate": {"new": 1}, "new": {"one": 2}, "newer": 3}),
        ({"rounds": 3}, {}),
        ({"acceptance": {"most_time_outs": 1, "new": 2}, "claims": 3}, {"acceptance": {"new": 2}, "claims": 3}),
    ],
)
def test_what_another_version_has_is_a_rule_unless_it_plans(policy: dict[str, Any], rules: dict[str, Any]) -> None:
    assert formats.rules_of(policy) == rules
