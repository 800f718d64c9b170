"""The policy of measuring: documented, frozen, told apart by field, and out of a plugin's reach where it matters."""

from __future__ import annotations

import ast
import json
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from typing import Any

import pytest
from changed_policy import changed_policy
from imports import modules_of, tree

from pointwise_bench.common import verdict_rule
from pointwise_bench.suites.harness.design.policy import POLICY, Policy, first_difference

BESIDE_A_PLUGIN = ("suites.harness.verify", "suites.harness.timing", "suites.harness.claims")
"""Rooms whose code runs in a worker."""


def test_nothing_of_it_can_be_assigned() -> None:
    for group in (POLICY, *(getattr(POLICY, field.name) for field in fields(POLICY))):
        assert is_dataclass(group)
        with pytest.raises(FrozenInstanceError):
            setattr(group, fields(group)[0].name, None)


def test_it_is_written_as_plain_numbers_by_group() -> None:
    written = POLICY.written()
    assert json.loads(json.dumps(written)) == written
    assert written["rounds"]["turn_s"] == POLICY.rounds.turn_s
    assert all(isinstance(value, int | float) for group in written.values() for value in group.values())


def test_the_starts_that_a_run_plans_are_those_that_the_rule_expects() -> None:
    assert POLICY.rounds.passes == POLICY.verdict.planned_starts == verdict_rule.PLANNED_STARTS


def test_a_difference_is_named_by_its_field_with_both_values() -> None:
    other = changed_policy(rounds={"turn_s": 0.002}, gate={"remembering": 2.0})
    assert first_difference(POLICY.written(), POLICY.written()) is None
    assert first_difference(POLICY.written(), other.written()) == ("rounds.turn_s", POLICY.rounds.turn_s, 0.002)


@pytest.mark.parametrize("old", [{}, {"rounds": None}, {"invented": 3}])
def test_a_policy_of_another_version_differs(old: dict[str, Any]) -> None:
    found = first_difference(old, POLICY.written())
    assert found is not None
    assert found[1] is None


def test_a_field_that_is_gone_is_a_difference_too() -> None:
    old = POLICY.written() | {"invented": {"later": 3}}
    assert first_difference(old, POLICY.written()) == ("invented.later", 3, None)


def test_every_single_field_makes_a_difference() -> None:
    for group in fields(Policy):
        for field in fields(getattr(POLICY, group.name)):
            values = getattr(POLICY, group.name)
            changed = replace(POLICY, **{group.name: replace(values, **{field.name: -1})})
            found = first_difference(POLICY.written(), changed.written())
            assert found == (f"{group.name}.{field.name}", getattr(values, field.name), -1)


# --- beside a plugin ----------------------------------------------------------------------------------------------


def read_late(source: ast.Module) -> list[str]:
    """Where the policy is read while a function runs: a plugin that was loaded before can have changed it."""
    return [
        ast.unparse(name)
        for function in ast.walk(source)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for name in ast.walk(function)
        if isinstance(name, ast.Attribute) and isinstance(name.value, ast.Name) and name.value.id == "POLICY"
    ]


@pytest.mark.parametrize("module", [module for room in BESIDE_A_PLUGIN for module in modules_of(room)])
def test_what_runs_beside_a_plugin_binds_the_policy_before_it_is_loaded(module: str) -> None:
    assert read_late(tree(module)) == []


def test_reading_it_late_is_found() -> None:
    assert read_late(ast.parse("def f():\n    return POLICY.gate.remembering")) == ["POLICY.gate"]
    assert read_late(ast.parse("REMEMBERING = POLICY.gate.remembering\ndef f():\n    return REMEMBERING")) == []
