"""The policy of measuring with some fields changed, for tests that put another one in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pointwise_bench.suites.harness.design.policy import Policy


def changed_policy(**groups: dict[str, Any]) -> Policy:
    """``changed_policy(rounds={"turn_s": 1e-3})``; ``TypeError`` for a field that there is not."""
    policy = Policy()
    return replace(policy, **{name: replace(getattr(policy, name), **fields) for name, fields in groups.items()})
