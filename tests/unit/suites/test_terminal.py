"""Which letter pytest writes of a timed test: a run says a line a problem, and thousands of tests say nothing new."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Literal

import pytest
from places import ROOT

from pointwise_bench.suites.terminal import pytest_report_teststatus


def status(
    outcome: Literal["passed", "failed", "skipped"],
    when: Literal["setup", "call"] = "call",
    *,
    mark: str = "shapes",
    file: str = "suites/test_networks.py",
    verbosity: int = 0,
    without: str | None = None,
    **more: Any,
) -> tuple[str, str, str] | None:
    """What is said of a report in a session of that ``verbosity``, in which ``without`` was asked for."""
    report = pytest.TestReport("test", (file, 1, "test"), {mark: 1}, outcome, None, when, **more)
    config = SimpleNamespace(rootpath=ROOT, get_verbosity=lambda: verbosity, getoption=lambda name: name == without)
    return pytest_report_teststatus(report, config)  # type: ignore[arg-type]


@pytest.mark.parametrize("mark", ["shapes", "claims"])
def test_a_timed_test_that_passed_or_was_skipped_has_no_letter_and_is_counted(mark: str) -> None:
    assert status("passed", mark=mark) == ("passed", "", "PASSED")
    for when in ("setup", "call"):  # where there is nothing to show, and where the test itself finds that
        assert status("skipped", when, mark=mark) == ("skipped", "", "SKIPPED")


def test_the_rest_is_said_as_pytest_says_it() -> None:
    assert status("failed") is None
    assert status("failed", "setup") is None
    assert status("passed", "setup") is None  # which has no letter and is no result
    assert status("skipped", wasxfail="a failure that a run is for") is None
    assert status("passed", wasxfail="") is None


def test_nothing_changes_for_other_tests_and_where_the_run_says_nothing() -> None:
    assert status("passed", mark="test_somebody_elses") is None
    assert status("passed", mark="claims", file="tests/unit/suites/claims/test_claims.py") is None  # the folder's name
    assert status("passed", verbosity=-1) is None
    assert status("passed", verbosity=1) == ("passed", "", "PASSED")  # of which pytest shows the word
    assert status("skipped", without="--benchmark-disable") is None
