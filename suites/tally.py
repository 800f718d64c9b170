"""What became of the questions of the correctness suite: run, refused and why, or missing with the backend."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from pointwise_bench import Problem

if TYPE_CHECKING:
    import pytest

PROPERTY = "question"  # of a test, in pytest's user_properties


class AskedQuestion(TypedDict):
    """One test of one backend. A test that draws many problems is one question.

    A plain dictionary of text: with ``-n`` it travels between processes, in pytest-xdist's own format.
    """

    backend: str
    problem: str | None
    """Its id."""
    refused: str | None
    missing: str | None


def is_float32_forward(question: AskedQuestion) -> bool:
    """Whether it asks for what every backend is first chosen for."""
    if question["problem"] is None:
        return False
    problem = Problem.parse(question["problem"])
    return (problem.dtype, problem.direction) == ("float32", "forward")


@dataclass
class AskedCount:
    """The questions of one backend, or of all."""

    run: int = 0
    failed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)

    def add(self, question: AskedQuestion, *, failed: bool) -> None:
        """One more question."""
        if question["missing"] is not None:
            self.missing[question["missing"]] += 1
        elif question["refused"] is not None:
            self.refused[question["refused"]] += 1
        else:
            self.run += 1
            self.failed += failed

    def __str__(self) -> str:
        failed = f" ({self.failed} failed)" if self.failed else ""
        return f"{self.run} run{failed}, {self.refused.total()} refused, {self.missing.total()} missing"


def asked(node: pytest.Item, backend: str) -> AskedQuestion:
    """A question whose answer is counted with the test ``node``; its fields are filled as they become known."""
    question: AskedQuestion = {"backend": backend, "problem": None, "refused": None, "missing": None}
    node.user_properties.append((PROPERTY, question))
    return question


def lines(reports: Iterable[Any]) -> Iterator[str]:
    """The counts by backend, the refusals of each by reason, and the sum. Nothing where nothing was asked."""
    by_backend: dict[str, AskedCount] = {}
    total, float32_forward = AskedCount(), AskedCount()
    for report in reports:
        if report.when != "call" and report.outcome == "passed":
            continue  # setting up and tearing down are reported too
        for name, question in report.user_properties:
            if name == PROPERTY:
                failed = report.outcome == "failed"
                counts = [by_backend.setdefault(question["backend"], AskedCount()), total]
                for count in counts + [float32_forward] * is_float32_forward(question):
                    count.add(question, failed=failed)
    for backend, count in sorted(by_backend.items()):
        yield f"{backend}: {count}"
        for reason, number in (count.refused + count.missing).most_common():
            yield f"  {number}: {reason}"
    if by_backend:
        yield f"all {len(by_backend)} backends: {total}"
        yield f"float32 forward: {float32_forward}"
