"""networks.csv and shares.csv: what bars and strips show, by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from make_run import cell, run_of
from report_folder import drawing, rows_of

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def tables(folder: Path, cells: list[dict[str, object]]) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    with drawing(plots=False):
        write_site([analyse(run_of(folder, cells))], folder / "out")
    return rows_of(folder / "out/networks.csv"), rows_of(folder / "out/shares.csv")


def test_totals_speeds_and_shares_are_those_of_the_layers(tmp_path: Path) -> None:
    """A takes 1 + 3 * 2 = 7 ms and b twice as long; c lacks a layer."""
    cells = [cell("a", FIRST, [1e-3] * 9), cell("a", SECOND, [2e-3] * 9, count=3)]
    cells += [cell("b", FIRST, [2e-3] * 9), cell("b", SECOND, [4e-3] * 9, count=3)]
    cells += [cell("c", FIRST, [2e-3] * 9), cell("c", SECOND, status="crashed", count=3)]
    networks, shares = tables(tmp_path, cells)
    a, b, c = networks
    assert [one["backend"] for one in networks] == ["a", "b", "c"]
    assert (a["network"], a["threads"], a["layers"], a["covered"], a["timed"]) == ("tinynet", "1", "2", "2", "2")
    assert [float(one["total_s"]) for one in (a, b)] == pytest.approx([7e-3, 14e-3])
    assert (a["sign"], b["sign"], c["sign"], c["total_s"], c["speedup"]) == ("fastest", "slower", "", "", "")
    assert a["baseline"] == "a"
    assert float(b["speedup"]) == pytest.approx(0.5)
    assert float(b["speedup_low"]) <= float(b["speedup"]) <= float(b["speedup_high"])
    assert [(one["layer"], one["fastest"], one["state"]) for one in shares] == [
        (FIRST, "a", "settled"),
        (SECOND, "a", "settled"),
    ]
    assert [float(one["share_percent"]) for one in shares] == pytest.approx([100 / 7, 600 / 7])


def test_of_a_part_of_a_network_there_is_no_total_and_of_a_sweep_no_row(tmp_path: Path) -> None:
    cells = [cell("a", FIRST, [1e-3] * 9), cell("a", SECOND, status="crashed")]
    cells += [cell("a", "n1c8h4w4-o8", [1e-3] * 9, group="sweep-batch")]
    networks, shares = tables(tmp_path, cells)
    assert [(one["network"], one["covered"], one["total_s"], one["speedup"]) for one in networks] == [
        ("tinynet", "1", "", "")
    ]
    assert [one["state"] for one in shares] == ["settled", "missing"]
