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
    from pointwise_bench.suites.harness.run.untimed.untimed_backends import UntimedBackends

IMPORTS_ON_LISTING = """
import json, os, signal, sys
import pointwise_bench.backends
from pointwise_bench.backends import Problem, Source, registry
imported = {}
sources, problems = map(json.loads, sys.argv[1:])
for name, source in sources.items():
    reading, writing = os.pipe()
    if os.fork() == 0:
        signal.alarm(60)  # ends a plugin that hangs, and no other's process
        try:
            registry.load(Source(**source))
            backend = registry.get(name)
            for text in problems:
                backend.refuses(Problem.parse(text))
            answer = sorted(module for module in sys.modules if "." not in module)
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        with os.fdopen(writing, "w") as pipe:
            pipe.write(json.dumps(answer))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        imported[name] = pipe.read()
    os.wait()
print(json.dumps(imported))
"""


@pytest.fixture(scope="session")
def imported_on_listing() -> dict[str, str]:
    """What a process has imported that has listed one backend and asked it what it refuses; by backend, as JSON.

    One process for each, forked from one that has imported what all of them need.
    """
    sources = json.dumps({name: vars(registry.source(name)) for name in registry.names()})
    command = [sys.executable, "-c", IMPORTS_ON_LISTING, sources, json.dumps([each.id for each in problems()[:5]])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


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
def test_answers_for_every_problem(
    backend_name: str, backend: Backend, change: dict[str, str], untimed_backends: UntimedBackends
) -> None:
    """Precisions and directions that it lacks are refused with a reason, not met with an exception."""
    if missing := untimed_backends.missing(backend_name):
        pytest.skip(missing)
    reason = backend.refuses(Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, **change))  # type: ignore[arg-type]
    assert reason is None or len(reason.split()) > 2


def test_listing_and_refusing_import_nothing_heavy(backend_name: str, imported_on_listing: dict[str, str]) -> None:
    imported = json.loads(imported_on_listing[backend_name] or '"its process died"')
    assert isinstance(imported, list), imported
    assert "pointwise_bench" in imported
    assert not HEAVY_PACKAGES & set(imported)
