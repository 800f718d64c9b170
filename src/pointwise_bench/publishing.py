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
    from pointwise_bench.suites.harness.design.policy import POLICY, first_difference

    found = first_difference(rules_of(policy), rules_of(POLICY.written()))
    if found is None:
        return None
    name, there, here = found
    return f"measured by other rules: {name} is {'not recorded' if there is None else there} there and {here} here"
