"""Processor seconds held against a thread budget."""

from __future__ import annotations

import pytest

from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.record.ended import Ended
from pointwise_bench.suites.harness.timing.thread_budget import check_thread_budget, is_exceeded

TOLERANCE = POLICY.acceptance.budget_tolerance


@pytest.mark.parametrize("threads", [1, 2, 16])
def test_a_budget_is_kept_up_to_the_tolerance(threads: int) -> None:
    kept, exceeded = threads + 0.99 * TOLERANCE, threads + 1.01 * TOLERANCE
    assert not is_exceeded(kept, threads)
    assert is_exceeded(exceeded, threads)
    check_thread_budget(kept, threads)
    with pytest.raises(
        Ended, match=rf"used \d+\.\d\d CPU seconds per second on a budget of {threads} thread"
    ) as raised:
        check_thread_budget(exceeded, threads)
    assert raised.value.status == "failed"
    assert ("threads: " in raised.value.reason) == (threads > 1)
