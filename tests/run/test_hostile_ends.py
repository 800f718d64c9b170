"""A run with plugins that crash, hang, leave or lie: each ends with its status, and no other is disturbed."""

from __future__ import annotations

import sys

import pytest
from expected_ends import AT_WORK, BEFORE_WORK, tried_in_a_run
from hostile_run import CORRECT_BACKENDS, Finished, hostile_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")

ENDS = tried_in_a_run(AT_WORK | BEFORE_WORK)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """All of them at once, on one problem."""
    return hostile_run(tmp_path_factory.mktemp("hostile"), [*ENDS])


@pytest.mark.parametrize("name", CORRECT_BACKENDS)
def test_correct_backends_are_not_disturbed(finished: Finished, name: str) -> None:
    finished.assert_correct_backend_is_undisturbed(name)


@pytest.mark.parametrize("name", ENDS)
def test_every_end_is_typed_and_has_its_reason(finished: Finished, name: str) -> None:
    status, words = ENDS[name]
    cell = finished.cell(name)
    assert cell["status"] == status, cell["reason"]
    assert words in cell["reason"]
    assert "\n" not in cell["reason"]
    assert cell["samples_s"] == []


def test_every_status_is_among_them() -> None:
    for ends in (AT_WORK, BEFORE_WORK):
        assert {status for status, _ in tried_in_a_run(ends).values()} == {status for status, _ in ends.values()}


def test_the_run_is_finished_and_says_what_came_out(finished: Finished) -> None:
    finished.assert_finished_and_reported()


def test_nothing_is_left_but_the_results(finished: Finished) -> None:
    finished.assert_nothing_is_left_but_the_results()
