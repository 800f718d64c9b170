"""What a report wrote, read back by its tests, and a report without its plots."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

from pointwise_bench.report.__main__ import main
from pointwise_bench.report.pages import run_page
from pointwise_bench.report.plots.style import Picture

PLOTS = ("draw_sweep", "draw_heat", "draw_roofline", "draw_gains")


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a table in CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@contextlib.contextmanager
def drawing(plots: bool) -> Iterator[None]:
    """The report with its plots, or with an empty file in the place of each: drawing is most of a report's time."""
    with contextlib.ExitStack() as stack:
        for name in () if plots else PLOTS:
            stack.enter_context(mock.patch.object(run_page, name, _nothing_drawn))
        yield


def _nothing_drawn(*arguments: Any) -> Picture:
    path: Path = arguments[-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8")
    return Picture(path, "nothing", 100)


def report(run: Path, out: Path, plots: bool = False) -> tuple[int, list[str]]:
    """Report on ``run`` as the command would; the exit code, and the lines on standard error."""
    errors = io.StringIO()
    with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()), drawing(plots):
        code = main([str(run), "--out", str(out)])
    return code, errors.getvalue().splitlines()
