"""The strip of a network: shares by hand, the winner of each layer, and the signs that nobody may mix up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import cell, run_of

from pointwise_bench.report.pages.layer_strip import MOST_SEGMENTS, Segment, strip
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.plots.style import looks

FIRST, SECOND, THIRD = "n1c64h28w28-o128", "n1c128h14w14-o64", "n1c8h4w4-o8"


def strip_of(tmp_path: Path, cells: list[dict[str, Any]], **changed: Any) -> tuple[Segment, ...]:
    found = analyse(run_of(tmp_path, cells, **changed))
    return strip(found.groups[0], found.timings, looks(found.run.backends))


def test_a_layer_is_as_wide_as_its_share_of_the_winners_time_by_occurrence(tmp_path: Path) -> None:
    """Of a: 1 ms once and 3 ms three times are a tenth and nine tenths; b wins the first layer alone."""
    cells = [cell("a", FIRST, [1e-3] * 9), cell("a", SECOND, [3e-3] * 9, count=3, name="late")]
    cells += [cell("b", FIRST, [0.5e-3] * 9), cell("b", SECOND, [9e-3] * 9, count=3, name="late")]
    first, second = strip_of(tmp_path, cells)
    assert (first.share, second.share) == pytest.approx((10.0, 90.0))
    assert [(one.number, one.winner, one.state) for one in (first, second)] == [
        (1, "b", "settled"),
        (2, "a", "settled"),
    ]
    assert second.hint == "late: 90.0 %, 9.00 ms in 3 places; fastest: a"
    assert first.paint != second.paint


def test_tied_unclear_and_missing_are_told_apart(tmp_path: Path) -> None:
    wild = np.random.default_rng(1).lognormal(0.0, 0.5, 9) * 1e-3
    cells = [cell(name, FIRST, [1e-3] * 9) for name in ("a", "b")]
    cells += [cell("a", SECOND, [1e-3] * 9), cell("b", SECOND, wild)]
    cells += [cell("a", THIRD, status="crashed"), cell("b", THIRD, status="crashed")]
    segments = strip_of(tmp_path, cells)
    assert [one.state for one in segments] == ["tied", "unclear", "missing"]
    assert [one.hint.rpartition("; ")[2] for one in segments] == [
        *("= equal within the margin, a first", "? not enough evidence, a ahead", "no time that may be compared"),
    ]
    assert (segments[2].winner, segments[2].paint) == ("", "")
    assert segments[2].width == pytest.approx((segments[0].width + segments[1].width) / 2, abs=0.01)


def test_of_very_many_layers_the_widest_are_shown_in_their_order(tmp_path: Path) -> None:
    many = MOST_SEGMENTS + 5
    cells = [cell("a", f"n{n}c8h4w4-o8", [1e-3 * n] * 9) for n in range(1, many + 1)]
    segments = strip_of(tmp_path, cells)
    assert [one.number for one in segments] == list(range(6, many + 1))
