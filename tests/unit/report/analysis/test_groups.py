"""Shape groups: totals, who leads on them, and speed-ups against the baseline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from make_run import cell, write_run

from pointwise_bench.report.analysis.groups import group_up
from pointwise_bench.report.pages.site import examine
from pointwise_bench.report.reading.run import load_run

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def test_total_counts_occurrences_and_needs_every_layer(tmp_path: Path) -> None:
    cells = [
        cell("whole", FIRST, [1e-3] * 9, count=1),
        cell("whole", SECOND, [2e-3] * 9, count=4),
        cell("partial", FIRST, [1e-6] * 9, count=1),
        cell("partial", SECOND, count=4, status="wrong"),
    ]
    found = examine(load_run(write_run(tmp_path, cells)))
    (group,) = group_up(found.run, found.timings, found.comparisons, found.baseline)
    standings = {standing.backend: standing for standing in group.standings}
    total = standings["whole"].total
    assert total is not None
    assert total.seconds == pytest.approx(9e-3)
    assert standings["partial"].total is None
    assert [standing.backend for standing in group.leaders] == ["whole"]


def test_totals_are_compared_pass_by_pass(tmp_path: Path) -> None:
    # The machine halves its speed between rounds; only a paired comparison finds the steady five percent.
    wander = np.tile([1.0, 2.0], 16)
    cells = [cell(name, one, 1e-3 * wander * f) for one in (FIRST, SECOND) for name, f in (("a", 1.0), ("b", 1.05))]
    (group,) = examine(load_run(write_run(tmp_path, cells))).groups
    assert [standing.backend for standing in group.leaders] == ["a"]
    assert group.lead is not None
    assert group.lead[0] == "b"
    assert group.lead[1:] == pytest.approx((1.05, 1.05, 1.05))
