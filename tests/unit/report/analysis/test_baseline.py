"""Against which backend speed-ups are given."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, write_run

from pointwise_bench.report.pages.site import examine
from pointwise_bench.report.reading.run import load_run

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def test_baseline_is_the_most_complete_that_is_not_naive(tmp_path: Path) -> None:
    cells = [
        *(cell("naive-loops", one, [1.0] * 9) for one in (FIRST, SECOND)),
        cell("a", FIRST, [1.0] * 9),
        *(cell("z", one, [1.0] * 9) for one in (FIRST, SECOND)),
    ]
    assert examine(load_run(write_run(tmp_path, cells))).baseline == "z"
