"""The options of a session, read as they were given."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.common import cores
from pointwise_bench.suites.command_line import add_options, options_of


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
