"""What the project's own backends refuse of what a user asks first, and what they say where a library is absent."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

from places import ROOT

from pointwise_bench import Backend, Layer, Problem
from pointwise_bench.backends import registry
from pointwise_bench.suites.correctness.problems import offered

MOST_REFUSED = 0.25


def test_at_most_a_quarter_of_float32_forward_is_refused() -> None:
    """Of all questions together: a file of a user's own may be made for one layout."""
    own = [registry.get(name) for name in registry.names() if registry.source(name).kind == "built-in"]
    problems = [each for each in offered() if (each.dtype, each.direction) == ("float32", "forward")]
    answers = [backend.refuses(problem) for backend in own for problem in problems]
    assert len(own) >= 16
    assert sum(answer is not None for answer in answers) <= MOST_REFUSED * len(answers)


class Stranger(Backend):
    """As plugins were written before there were residuals."""

    name = "stranger"

    def prepare(self, problem: Problem, weight: Any, bias: Any, threads: int) -> Layer:
        """Nothing here is prepared."""
        raise AssertionError("not asked")


class Adding(Stranger):
    """The same, with a residual."""

    adds = True


def test_a_residual_is_refused_by_whoever_does_not_declare_that_it_adds_one() -> None:
    problem = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, add=True)
    assert Stranger().refuses(problem) == "takes no residual: a backend that is called with one declares adds = True"
    assert Adding().refuses(problem) is None
    assert Stranger().refuses(replace(problem, add=False)) is None


def test_most_of_our_own_take_a_residual() -> None:
    problem = Problem(batch=1, in_channels=8, out_channels=8, height=4, width=4, bias=True, add=True, activation="relu")
    own = [registry.get(name) for name in registry.names() if registry.source(name).kind == "built-in"]
    lacking = [each.name for each in own if each.device == "cpu" and each.refuses(problem)]
    assert lacking == []


def test_whoever_lacks_a_library_names_the_command_that_installs_it() -> None:
    """Listed by an interpreter that sees no installed package at all: listing needs none, and each family is absent."""
    listed = subprocess.run(
        [sys.executable, "-S", "-m", "pointwise_bench", "backends"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},  # without site, an installation is not seen
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = listed.split("\n\n")[0].splitlines()
    absent = [line for line in lines if "unavailable: " in line]
    assert len(lines) >= 16
    assert len(absent) >= len(lines) - 6  # those that need NumPy alone, or Python, do not ask for it
    assert all(re.search(r"python -m pip install \S", line) for line in absent), absent
