"""Which questions of the correctness suite a backend is spared, and which nobody."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pointwise_bench import Problem
from pointwise_bench.suites import test_correctness as correctness
from pointwise_bench.suites.correctness_problems import left_to_the_soak_tier, one_of_each_cut, one_of_each_edge

LISTS = [problem for problems in (one_of_each_edge(), one_of_each_cut()) for _, problem in problems]


def asked(seconds: float) -> set[Problem]:
    """Of the edges and the cuts, what a backend is asked that takes so long over each."""
    found: set[Problem] = set()
    backends: Any = SimpleNamespace(
        expected_seconds=lambda *_: seconds,
        refuses=lambda *_: None,
        verify=lambda name, problem, *_: found.add(problem),
    )
    checked = correctness.CheckedBackend(backends, {"backend": "made-up"})  # type: ignore[typeddict-item]
    for problem in LISTS:
        try:
            checked.pass_the_gate_in_turn(problem)
        except pytest.skip.Exception:
            assert problem in left_to_the_soak_tier()
    return found


def test_who_is_quick_is_asked_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correctness, "EVERY_OTHER", left_to_the_soak_tier())
    assert asked(correctness.DEAR_S) == {*LISTS}


def test_whom_it_takes_long_is_asked_every_other_one_and_all_in_the_soak_tier(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correctness, "EVERY_OTHER", left_to_the_soak_tier())
    assert asked(correctness.DEAR_S + 0.1) == {*LISTS} - left_to_the_soak_tier()
    monkeypatch.setattr(correctness, "EVERY_OTHER", frozenset())
    assert asked(correctness.DEAR_S + 0.1) == {*LISTS}
