"""Counts the tests of the correctness suite by backend: run, refused and why, missing and why, or spared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from pointwise_bench import Problem

if TYPE_CHECKING:
    import pytest

PROPERTY = "counted"  # of a test, in pytest's user_properties


class CountedTest(TypedDict):
    """One test of one backend; a test that draws many problems counts once.

    A plain dictionary of text: with ``-n`` pytest-xdist sends it from one process to another.
    """

    backend: str
    problem: str | None
    """Its id."""
    refused: str | None
    missing: str | None
    spared: bool
    """Left out because an answer of the backend takes long."""


def is_float32_forward(test: CountedTest) -> bool:
    """Whether its problem is of the kind that most users choose a backend for."""
    if test["problem"] is None:
        return False
    problem = Problem.parse(test["problem"])
    return (problem.dtype, problem.direction) == ("float32", "forward")


@dataclass
class CorrectnessCount:
    """The counts of one backend, or of all."""

    run: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    spared: int = 0

    def add(self, test: CountedTest, *, failed: bool) -> None:
        """Count one more test."""
        if test["missing"] is not None:
            self.missing[test["missing"]] += 1
        elif test["refused"] is not None:
            self.refused[test["refused"]] += 1
        elif test["spared"]:
            self.spared += 1
        else:
            self.run += 1
            self.failed += failed

    def __str__(self) -> str:
        failed = f" ({self.failed} failed)" if self.failed else ""
        spared = f", {self.spared} spared" if self.spared else ""
        return f"{self.run} run{failed}, {self.refused.total()} refused, {self.missing.total()} missing{spared}"


def counted(node: pytest.Item, backend: str) -> CountedTest:
    """Count the test ``node``; the fields of what is returned are filled while the test runs."""
    test: CountedTest = {"backend": backend, "problem": None, "refused": None, "missing": None, "spared": False}
    node.user_properties.append((PROPERTY, test))
    return test


def lines(reports: Iterable[Any]) -> Iterator[str]:
    """The counts by backend, its refusals by reason, and the sums. No lines where no test was counted."""
    by_backend: dict[str, CorrectnessCount] = {}
    total, float32_forward = CorrectnessCount(), CorrectnessCount()
    for report in reports:
        if report.when != "call" and report.outcome == "passed":
            continue  # setting up and tearing down are reported too
        for name, test in report.user_properties:
            if name == PROPERTY:
                failed = report.outcome == "failed"
                counts = [by_backend.setdefault(test["backend"], CorrectnessCount()), total]
                for count in counts + [float32_forward] * is_float32_forward(test):
                    count.add(test, failed=failed)
    for backend, count in sorted(by_backend.items()):
        yield f"{backend}: {count}"
        for reason, number in (count.refused + count.missing).most_common():
            yield f"  {number}: {reason}"
    if by_backend:
        yield f"all {len(by_backend)} backends: {total}"
        yield f"float32 forward: {float32_forward}"
