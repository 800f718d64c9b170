"""``pointwise-bench publish``: tells the report by which rules this version measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pointwise_bench.common.formats import rules_of
from pointwise_bench.report.publishing.command import main as publish


def main(arguments: Sequence[str]) -> int:
    """Run the command line; returns the exit code."""
    return publish(arguments, _other_rules)


def _other_rules(policy: Mapping[str, Any]) -> str | None:
    # Imported where it is asked, so that --help answers at once.
    from pointwise_bench.suites.harness.design.policy import POLICY, differences

    found = differences(rules_of(policy), rules_of(POLICY.written()))
    if not found:
        return None
    name, there, here = found[0]
    said = f"{name} is {_value(there, 'there')} and {_value(here, 'here')}"
    return f"measured by other rules: {said}{f', and {len(found) - 1} more differ' if len(found) > 1 else ''}"


def _value(value: Any, where: str) -> str:
    return f"not recorded {where}" if value is None else f"{value} {where}"
