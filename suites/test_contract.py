"""What the contract asks of every backend, whatever it computes: names, reasons, documentation and light imports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pointwise_bench.backends import Backend, Problem, registry
from pointwise_bench.common.heavy_packages import HEAVY_PACKAGES
from pointwise_bench.suites.catalogue import load

if TYPE_CHECKING:
    from pointwise_bench.suites.harness.run.untimed import UntimedBackends

IMPORTS_ON_LISTING = """
import json, sys
import pointwise_bench.backends
from pointwise_bench.backends import Problem, Source, registry
registry.load(Source(**json.loads(sys.argv[1])))
backend = registry.get(sys.argv[2])
for text in sys.argv[3:]:
    backend.refuses(Problem.parse(text))
print(json.dumps(sorted(name for name in sys.modules if "." not in name)))
"""


def problems() -> list[Problem]:
    """The basics and one network: what a plain run begins with."""
    return [layer.problem for group in load(["basics", "googlenet"]) for layer in group.layers]


@pytest.fixture
def backend(backend_name: str) -> Backend:
    return registry.get(backend_name)


def test_declares_itself(backend: Backend) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", backend.name)
    assert re.fullmatch(r"[a-z]+", backend.device)
    assert backend.output in ("fresh", "reused")


def test_says_what_it_calls(backend_name: str, backend: Backend, untimed_backends: UntimedBackends) -> None:
    if untimed_backends.missing(backend_name) is None:  # what could not be loaded has no class to document
        assert type(backend).__doc__ not in (None, Backend.__doc__), (
            "its docstring says which library it calls, and how"
        )


def test_missing_is_a_reason_or_nothing(backend_name: str, untimed_backends: UntimedBackends) -> None:
    reason = untimed_backends.missing(backend_name)
    assert reason is None or len(reason.split()) > 2, f"{reason!r} does not say what to install"


def test_refusing_is_pure(backend: Backend) -> None:
    for problem in problems():
        first, second = backend.refuses(problem), backend.refuses(problem)
        assert first == second
        assert first is None or len(first.split()) > 2, f"{first!r} is no reason"


def test_does_not_refuse_everything(backend_name: str, backend: Backend, untimed_backends: UntimedBackends) -> None:
    if reason := untimed_backends.missing(backend_name):
        pytest.skip(reason)
    refusals = [backend.refuses(problem) for problem in problems()]
    assert None in refusals, f"refuses every layer of the basics and of one network; its first reason: {refusals[0]}"


@pytest.mark.parametrize(
    "change", [{"dtype": "bfloat16"}, {"dtype": "float16"}, {"direction": "backward-weight"}], ids=str
)
def test_answers_for_every_problem(backend: Backend, change: dict[str, str]) -> None:
    """Precisions and directions that it lacks are refused with a reason, not met with an exception."""
    reason = backend.refuses(Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, **change))  # type: ignore[arg-type]
    assert reason is None or len(reason.split()) > 2


def test_listing_and_refusing_import_nothing_heavy(backend_name: str) -> None:
    source = json.dumps(vars(registry.source(backend_name)))
    command = [sys.executable, "-c", IMPORTS_ON_LISTING, source, backend_name, *(each.id for each in problems()[:5])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert not HEAVY_PACKAGES & set(json.loads(done.stdout))
