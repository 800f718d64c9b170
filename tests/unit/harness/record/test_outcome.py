"""What makes a run's exit code 1: no result at all, or none of a backend that was asked for."""

from __future__ import annotations

from typing import Any

import pytest

from pointwise_bench.common.status import NOT_OK, STATUSES
from pointwise_bench.suites.harness.record.outcome import Asked, Outcome, shortfalls

OTHER = Outcome("another", "ok", "")


def said(*outcomes: Outcome, unfinished: bool = False, **asked: Any) -> list[str]:
    return list(shortfalls(outcomes, Asked(**asked), unfinished=unfinished))


def mine(*statuses: Any) -> list[Outcome]:
    return [Outcome("mine", status, f"a reason to be {status}" if status != "ok" else "") for status in statuses]


def test_a_run_that_went_well_says_nothing() -> None:
    assert said(OTHER, *mine("ok")) == []
    assert said(OTHER, *mine("ok"), patterns=("mine",)) == []


def test_nothing_at_all_is_said_with_how_to_go_on() -> None:
    assert said() == ["nothing was measured"]
    assert said(unfinished=True, time_budget_s=5.0) == [
        "nothing was measured: the time budget of 5 s is spent; --resume goes on with it"
    ]
    assert said(unfinished=True, time_budget_s=5.0, interrupted=True) == [
        "nothing was measured to its end: the run was interrupted; --resume goes on with it"
    ]


@pytest.mark.parametrize("status", NOT_OK)
def test_a_run_without_a_single_time_says_why(status: Any) -> None:
    first, *_ = said(*mine(status, status))
    assert first == f"nothing was measured: mine is {status}: a reason to be {status}, and 1 more without a time"


@pytest.mark.parametrize("status", STATUSES)
def test_one_that_is_not_named_counts_where_it_is_wrong_everywhere(status: Any) -> None:
    expected = ["mine is wrong on 2 of 2: a reason to be wrong"] if status == "wrong" else []
    assert said(OTHER, *mine(status, status)) == expected
    assert said(OTHER, *mine(status, "ok")) == []
    assert said(OTHER, *mine(status, status), patterns=("mi*", "an*")) == expected


@pytest.mark.parametrize(
    ("statuses", "sentence"),
    [
        (("wrong", "ok", "ok"), "mine is wrong on 1 of 3: a reason to be wrong"),
        (("wrong", "failed"), "mine is wrong on 1 of 2: a reason to be wrong"),
        (("failed", "failed"), "mine, which was asked for by name, failed on all of 2: a reason to be failed"),
        (("failed", "unsupported"), "mine, which was asked for by name, failed on all of 1: a reason to be failed"),
        (("unavailable",), "mine, which was asked for by name, could not run: a reason to be unavailable"),
        (("failed", "ok"), None),
        (("unsupported",), None),  # it says itself that the problem is not for it
        (("crashed", "ok"), None),  # as a library does on one problem: its cell says so
        (("crashed", "timed-out"), "mine, which was asked for by name, failed on all of 2: a reason to be crashed"),
        (("timed-out",), "mine, which was asked for by name, failed on all of 1: a reason to be timed-out"),
        (("out-of-memory",), "mine, which was asked for by name, failed on all of 1: a reason to be out-of-memory"),
    ],
)
def test_one_that_was_asked_for_by_name_must_have_run_and_been_right(
    statuses: tuple[Any, ...], sentence: str | None
) -> None:
    expected = [sentence] if sentence else []
    assert said(OTHER, *mine(*statuses), patterns=("mine", "another")) == expected
    assert said(OTHER, *mine(*statuses), patterns=("m*",), of_plugins=["mine"]) == expected


def test_a_plugin_that_could_not_be_loaded_is_missed_though_it_did_not_take_part() -> None:
    unloadable = {"mine": "known already", "broken": "a typing error"}
    assert said(OTHER, *mine("unavailable"), of_plugins=["mine", "broken"], unloadable=unloadable) == [
        "mine, which was asked for by name, could not run: a reason to be unavailable",
        "broken, a plugin that was asked for, could not be loaded: a typing error",
    ]
