"""Command lines on a page: they measure what they stand beside, and no name of a run breaks out of its word."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from make_run import run_of

from pointwise_bench.report.pages.commands import measure, options_of


def words(tmp_path: Path, options: Any, *shapes: str, **more: Any) -> list[str]:
    return shlex.split(measure(options_of(run_of(tmp_path, [], options=options)), shapes, 2, **more))


def test_it_names_shapes_backends_and_threads_and_the_seed_where_asked(tmp_path: Path) -> None:
    said = words(tmp_path, {"seed": 7, "cache": "cold", "plugins": ["my.py"]}, "net", backends=["a", "b"], seeded=True)
    assert said == [
        *("pointwise-bench", "run", "--plugin", "my.py", "--shapes", "net", "--backend", "a", "--backend", "b"),
        *("--threads", "2", "--cache", "cold", "--seed", "7"),
    ]


def test_a_time_budget_is_named_where_one_is_asked(tmp_path: Path) -> None:
    assert words(tmp_path, {}, "net", time_budget="3m")[-4:] == ["--threads", "2", "--time-budget", "3m"]


def test_what_is_the_default_is_left_out(tmp_path: Path) -> None:
    assert words(tmp_path, {"seed": 7, "cache": "hot"}, "net") == [
        *("pointwise-bench", "run", "--shapes", "net", "--threads", "2"),
    ]


@pytest.mark.parametrize("options", [None, 3, [], {"plugins": "x", "seed": "y", "cache": 4}])
def test_options_that_cannot_be_read_are_none(tmp_path: Path, options: Any) -> None:
    assert words(tmp_path, options, "net", seeded=True)[2:] == ["--shapes", "net", "--threads", "2"]


@pytest.mark.parametrize("name", ["a b", "$(rm -r ~)", "'; ls; '", '"', "a\nb", "`x`"])
def test_a_name_stays_one_word_of_a_shell(tmp_path: Path, name: str) -> None:
    assert words(tmp_path, {}, name)[3] == name
