"""The words of a status, and what follows from each."""

from __future__ import annotations

from pointwise_bench.common.status import NOT_OK, OK, SKIPPED, STATUSES, SURVIVED


def test_ok_comes_first_and_the_gravest_after_it() -> None:
    assert (OK, *NOT_OK) == STATUSES
    assert STATUSES[1] == "wrong"
    assert STATUSES[-2:] == SKIPPED
    assert len(set(STATUSES)) == 8


def test_a_worker_serves_on_after_a_wrong_answer_and_after_what_it_was_never_asked_to_compute() -> None:
    assert set(SURVIVED) == {"wrong"} | set(SKIPPED)
    assert OK not in SURVIVED
