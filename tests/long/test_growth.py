"""What a report costs grows with what a run holds, and not with its square: counted in instructions, not in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType
from typing import Any
from unittest import mock

import pandas as pd
import pytest
from make_large_run import failed_cells, many_backends, many_cells, many_groups, one_long_line
from make_run import write_run
from places import ROOT
from report_folder import report

from pointwise_bench.report.analysis import comparisons
from pointwise_bench.report.statistics import chosen_pairs

TWICE = 2.1
"""Times as many steps for twice as much. They are the same in every run, so that a twentieth of them is enough to show
what grows with the square and takes four times as many."""

OURS = (str(ROOT / "report"), str(ROOT / "src"))


class Steps:
    """Instructions of our own code that ran, and its returns; rows of tables that pandas was asked to select from."""

    def __init__(self) -> None:
        self.instructions = 0
        self.rows = 0

    def of(self, work: Callable[[], object]) -> Steps:
        """What ``work`` takes."""
        select = pd.DataFrame.__getitem__

        def counted(table: pd.DataFrame, key: Any) -> Any:
            self.rows += 0 if isinstance(key, str) else len(table)  # a column is handed out as it is
            return select(table, key)

        instructions = 0

        def enter(frame: FrameType, event: str, argument: object) -> Any:
            if not frame.f_code.co_filename.startswith(OURS):
                return None
            # Of a loop within one line no line is reported but the first.
            frame.f_trace_lines, frame.f_trace_opcodes = False, True
            return step

        def step(frame: FrameType, event: str, argument: object) -> Any:
            nonlocal instructions  # millions of them: an attribute would take half as long again
            instructions += 1
            return step

        before = sys.gettrace()
        with mock.patch.object(pd.DataFrame, "__getitem__", counted):
            sys.settrace(enter)
            try:
                work()
            finally:
                sys.settrace(before)
        self.instructions += instructions
        return self


def steps_of(folder: Path, cells: Iterable[dict[str, Any]]) -> Steps:
    """What a report of a run of these cells takes; empty files stand in the place of plots."""
    run = write_run(folder / "results", list(cells))
    return Steps().of(lambda: report(run, folder / "out"))


@pytest.mark.parametrize(
    ("cells", "size"),
    [
        (lambda size: many_cells(backends=2, layers=size, networks=1, samples=6), 20),
        (many_groups, 10),
        (failed_cells, 200),
        (one_long_line, 300),
        (many_backends, 24),
    ],
    ids=["layers", "groups", "failed", "samples", "backends"],
)
def test_twice_as_much_takes_about_twice_as_many_steps(
    cells: Callable[[int], Iterable[dict[str, Any]]], size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (comparisons, chosen_pairs):  # a fraction of what it is, as the backends are
        monkeypatch.setattr(module, "MOST_AGAINST_ALL", 6)
    # What is read and kept once; and from Python 3.12 on code is prepared for being counted when it first is, and then
    # misses some of its own steps.
    steps_of(tmp_path / "first", cells(2))
    once, twice = (steps_of(tmp_path / str(number), cells(number)) for number in (size, 2 * size))
    assert once.instructions > 10_000
    assert twice.instructions < TWICE * once.instructions
    assert twice.rows < TWICE * once.rows + 2 * size
