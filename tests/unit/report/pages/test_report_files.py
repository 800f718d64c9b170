"""What the report reads and writes: broken lines, shared problems, totals, and runs with little in them."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from make_run import cell, write_run

from pointwise_bench.report.analysis.groups import group_up
from pointwise_bench.report.pages.site import examine, write_site
from pointwise_bench.report.pages.splice import splice
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run import load_run

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_torn_line_is_ignored_and_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9)])
    with (folder / "cells.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"backend": "a", "prob')
    page = write_site([examine(load_run(folder))], tmp_path / "out").read_text(encoding="utf-8")
    assert "line 2: not JSON that can be read (Unterminated string" in page
    assert len(rows_of(tmp_path / "out" / "timings.csv")) == 1


def test_every_place_of_a_problem_is_a_row(tmp_path: Path) -> None:
    also = [{"group": "othernet", "name": "late", "count": 3}]
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9, name="early", also=also)])
    write_site([examine(load_run(folder))], tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "timings.csv")
    assert [(row["group"], row["name"], row["count"]) for row in rows] == [
        ("tinynet", "early", "1"),
        ("othernet", "late", "3"),
    ]
    assert {row["median_s"] for row in rows} == {"0.001"}


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
    assert standings["whole"].total.seconds == pytest.approx(9e-3)
    assert standings["partial"].total is None
    assert [standing.backend for standing in group.leaders] == ["whole"]


def test_totals_are_compared_pass_by_pass(tmp_path: Path) -> None:
    # The machine halves its speed between rounds; only a paired comparison finds the steady five percent.
    wander = np.tile([1.0, 2.0], 16)
    cells = [cell(name, one, 1e-3 * wander * f) for one in (FIRST, SECOND) for name, f in (("a", 1.0), ("b", 1.05))]
    (group,) = examine(load_run(write_run(tmp_path, cells))).groups
    assert [standing.backend for standing in group.leaders] == ["a"]
    assert group.lead[0] == "b"
    assert group.lead[1:] == pytest.approx((1.05, 1.05, 1.05))


def test_baseline_is_the_most_complete_that_is_not_naive(tmp_path: Path) -> None:
    cells = [
        *(cell("naive-loops", one, [1.0] * 9) for one in (FIRST, SECOND)),
        cell("a", FIRST, [1.0] * 9),
        *(cell("z", one, [1.0] * 9) for one in (FIRST, SECOND)),
    ]
    assert examine(load_run(write_run(tmp_path, cells))).baseline == "z"


@pytest.mark.parametrize(
    "cells",
    [
        [],
        [cell("a", FIRST, status="crashed"), cell("b", FIRST, status="unavailable", also=None)],
        [cell("a", FIRST, [1e-3], group="sweep-batch")],
        [
            cell("a", FIRST, [1e-3] * 9, group="sweep-layout"),
            cell("a", FIRST + "-nhwc", [1e-3] * 9, group="sweep-layout"),
        ],
        [cell("a", "n0c64h28w28-o128", [1e-6] * 9, count=None, error_ratio=None, extra=[1])],
        [cell("a", FIRST, [1e-3] * 9, device="cuda", device_samples_s=[5e-4] * 9, group="odd / name <b>", name="$x^$")],
    ],
    ids=["no cells", "only failures", "one sample", "categories", "empty batch", "device"],
)
def test_a_run_with_little_in_it_is_reported(tmp_path: Path, cells: list[dict[str, Any]]) -> None:
    folder = write_run(tmp_path, cells, ceilings=[], finished_at=None)
    page = write_site([examine(load_run(folder))], tmp_path / "out").read_text(encoding="utf-8")
    assert len(rows_of(tmp_path / "out" / "timings.csv")) == len(cells)
    assert "The run did not finish" in page
    assert "<b>" not in page


def test_failures_of_one_reason_are_one_row(tmp_path: Path) -> None:
    cells = [cell("a", one, status="crashed", reason="signal <11>") for one in (FIRST, SECOND)]
    page = write_site([examine(load_run(write_run(tmp_path, cells)))], tmp_path / "out").read_text(encoding="utf-8")
    assert page.count("signal &lt;11&gt;") == 1


def test_same_data_gives_the_same_plots(tmp_path: Path) -> None:
    cells = [cell(name, one, [1e-3] * 9) for one in (FIRST, SECOND) for name in ("a", "b")]
    run = load_run(write_run(tmp_path, cells))
    for name in ("one", "two"):
        write_site([examine(run)], tmp_path / name)
    plots = sorted(path.name for path in (tmp_path / "one" / "plots").iterdir())
    assert plots == ["roofline-float32-threads-1.svg", "tinynet-threads-1.svg"]
    for name in plots:
        assert (tmp_path / "one" / "plots" / name).read_bytes() == (tmp_path / "two" / "plots" / name).read_bytes()


def test_splice_replaces_only_what_is_between_the_markers(tmp_path: Path) -> None:
    path = tmp_path / "README.md"
    path.write_bytes(b"before\r\n<!-- report:begin -->\nold\n<!-- report:end -->\r\nafter")
    splice(path, "new")
    assert path.read_bytes() == b"before\r\n<!-- report:begin -->\nnew\n<!-- report:end -->\r\nafter"


@pytest.mark.parametrize("text", ["none", "END BEGIN", "BEGIN", "BEGIN END END", "BEGIN BEGIN END", "END BEGIN END"])
def test_splice_refuses_a_file_without_its_markers(tmp_path: Path, text: str) -> None:
    path = tmp_path / "README.md"
    text = text.replace("BEGIN", "<!-- report:begin -->").replace("END", "<!-- report:end -->")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ReportError, match="report:begin"):
        splice(path, "new")
    assert path.read_text(encoding="utf-8") == text
