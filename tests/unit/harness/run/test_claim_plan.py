"""Which claims a run measures, how much of its time is theirs, and what is said of them in the end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from pointwise_bench import Problem
from pointwise_bench.suites.claims import CLAIMS, get
from pointwise_bench.suites.harness.claims.claim_file import ClaimFile, ClaimResult
from pointwise_bench.suites.harness.design.policy import POLICY
from pointwise_bench.suites.harness.design.time_budget import TimeBudget
from pointwise_bench.suites.harness.record.cell import Place
from pointwise_bench.suites.harness.run.claim_plan import ClaimPlan
from pointwise_bench.suites.harness.run.options import Options
from pointwise_bench.suites.harness.run.plan import Plan


def planned() -> tuple[ClaimPlan, Plan]:
    claims, plan = ClaimPlan(), Plan()
    for claim in CLAIMS:
        claims.add(claim, 2, "a")
    problem = Problem.parse("n1c8h4w4-o8")
    plan.add(problem, 2, "a", Place("claims", "x"))
    return claims, plan


def test_claims_alone_have_a_budget_below_four_minutes_and_patience_to_match() -> None:
    claims, plan = planned()
    assert claims.stand_alone(plan)
    assert claims.usual_s == POLICY.claims.alone_s < 240
    assert claims.hurried(Options(), plan).timeout_s == POLICY.claims.longest_wait_alone_s
    plan.add(Problem.parse("n1c8h4w4-o16"), 2, "a", Place("googlenet", "y"))
    assert not claims.stand_alone(plan)
    assert claims.hurried(Options(), plan).timeout_s == Options().timeout_s


def test_a_budgets_share_is_kept_back_for_the_claims() -> None:
    claims, _ = planned()
    assert claims.reserve_s(100.0) == pytest.approx(POLICY.claims.share * 100)
    assert claims.reserve_s(None) == 0
    assert ClaimPlan().reserve_s(100.0) == 0
    budget = TimeBudget(100.0, time.monotonic())
    budget.closing_s = 5 + claims.reserve_s(100.0)
    assert budget.left_s() < 100 * (1 - POLICY.claims.share)
    assert claims.release_s(budget) == pytest.approx(100 - 5 - 6, abs=0.5)


def test_the_plan_describes_each_claim_once() -> None:
    claims, _ = planned()
    claims.add(CLAIMS[0], 1, "b")
    assert [each["name"] for each in claims.described] == [claim.name for claim in CLAIMS]
    assert (claims.backends, claims.thread_budgets) == (["a", "b"], [1, 2])


def test_a_plan_without_claims_is_none_and_keeps_nothing(tmp_path: Path) -> None:
    empty = ClaimPlan()
    assert not empty
    assert (list(empty), empty.backends, empty.thread_budgets, empty.described) == ([], [], [], [])
    assert not empty.stand_alone(Plan())
    assert empty.complete(ClaimFile(tmp_path))
    assert list(empty.summary(ClaimFile(tmp_path))) == []


def result(claim: str, backend: str, status: Any, reason: str = "") -> ClaimResult:
    return ClaimResult(claim, backend, 2, "cpu", "fresh", "worker", "2026-01-02T03:04:05Z", status, reason)


def test_the_summary_counts_and_names_each_way_of_failing_once(tmp_path: Path) -> None:
    claims, claim_file = ClaimPlan(), ClaimFile(tmp_path)
    for name in ("stride", "channels-only", "mlpconv-1", "mlpconv-2"):
        for backend in ("a", "b"):
            claims.add(get(name), 2, backend)
    claim_file.append(
        [
            result("stride", "a", "wrong", "zeros"),
            result("channels-only", "a", "wrong", "other zeros"),
            result("mlpconv-1", "a", "timed-out", "no answer"),
            result("stride", "b", "ok"),
            result("channels-only", "b", "unsupported", "has no such thing"),
        ]
    )
    assert not claims.complete(claim_file)
    assert list(claims.summary(claim_file)) == [
        "5 claims of single backends: 1 ok, 1 timed-out, 1 unsupported, 2 wrong; 3 not measured",
        "a: wrong on stride, and 1 more: zeros",
        "a: timed-out on mlpconv-1: no answer",
    ]


def test_time_without_a_budget_is_by_thread_budget() -> None:
    claims = ClaimPlan()
    for threads in (1, 2, 2):
        claims.add(CLAIMS[0], threads, "a")
    assert claims.release_s(TimeBudget(None, 0.0)) == 2 * POLICY.claims.seconds
    assert claims.usual_s == 2 * POLICY.claims.alone_s
