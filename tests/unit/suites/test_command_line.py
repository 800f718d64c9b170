"""The options of a session, read as they were given."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pointwise_bench import Problem
from pointwise_bench.common import cores
from pointwise_bench.optimizing import command as optimize
from pointwise_bench.suites import demo
from pointwise_bench.suites.calibration import __main__ as calibrate
from pointwise_bench.suites.command_line import add_options, options_of
from pointwise_bench.wisdom import plan as planning


class Configuration:
    """What pytest's would answer: what was given, and the defaults of the rest."""

    def __init__(self, *words: str) -> None:
        parser = argparse.ArgumentParser()
        add_options(parser.add_argument)
        self._options = vars(parser.parse_args(words))

    def getoption(self, name: str, default: Any = None) -> Any:
        """By the name of the option."""
        return self._options.get(name.removeprefix("--").replace("-", "_"), default)


def threads_of(folder: Path, *words: str) -> tuple[int, ...]:
    config: Any = Configuration("--results", str(folder), *words)
    return options_of(config).threads


@pytest.mark.parametrize(("quota", "threads"), [(None, 4), (2.0, 2), (0.5, 1)])
def test_the_default_thread_budget_is_bounded_by_the_quota_of_a_control_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quota: float | None, threads: int
) -> None:
    monkeypatch.setattr(cores, "available_cores", lambda: 4)
    monkeypatch.setattr(cores, "cpu_quota", lambda: quota)
    assert threads_of(tmp_path) == (threads,)
    assert threads_of(tmp_path, "--threads", "1", "--threads", "1") == (1,)


class Asked(Exception):
    """Ends a command where it has said how many threads it would use."""


def asked(threads: int) -> Any:
    raise Asked(threads)


def plan(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(planning, "_usable", lambda wisdom, threads: asked(threads))
    planning.plan(np.ones((4, 8), np.float32), None, input_shape=(1, 8, 5, 3))


def optimise(patch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="it asks whether torch is there")
    patch.setattr(optimize, "_budget", lambda options, threads: asked(threads))
    optimize.main(["m:make", "--input", "1x3"])


def draw(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(demo, "_recorded", lambda problem, threads, results: asked(threads))
    given = argparse.Namespace(peak=None, bandwidth=None, threads=None, results=Path())
    demo.find_roof(Problem(batch=1, in_channels=8, out_channels=4, height=5, width=3), given)


def calibrated(patch: pytest.MonkeyPatch) -> None:
    """It begins with one thread."""
    patch.setattr(calibrate, "_measure", lambda options, threads, load: Path() if threads == 1 else asked(threads))
    for name in ("_rates", "_sentence", "_write"):
        patch.setattr(calibrate, name, lambda *arguments: {})
    calibrate.main(["--load", "quiet"])


@pytest.mark.parametrize("ask", [plan, optimise, draw, calibrated])
def test_so_is_that_of_every_other_command_that_times_or_plans(
    monkeypatch: pytest.MonkeyPatch, ask: Callable[[pytest.MonkeyPatch], None]
) -> None:
    monkeypatch.setattr(cores, "core_numbers", lambda: [0, 1, 2, 3])
    monkeypatch.setattr(cores, "cpu_quota", lambda: 2.0)
    with pytest.raises(Asked, match=r"^2$"):
        ask(monkeypatch)
