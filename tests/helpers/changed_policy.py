"""The policy of measuring with some fields changed, for tests that put another one in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pointwise_bench.suites.harness.design.policy import Policy


def changed_policy(**groups: dict[str, Any]) -> Policy:
    """``changed_policy(rounds={"turn_s": 1e-3})``; ``TypeError`` for a field that there is not."""
    policy = Policy()
    return replace(policy, **{name: replace(getattr(policy, name), **fields) for name, fields in groups.items()})


def put_in_place(policy: Policy) -> None:
    """Replace the policy before the rest of the harness is imported, where others take it over by name."""
    from pointwise_bench.suites.harness.design import policy as module

    vars(module)["POLICY"] = policy  # final for everybody else

    from pointwise_bench.suites.harness.run import session

    assert vars(session)["POLICY"] == policy, "the harness had been imported before"
