"""The files of a report: tables, pages and plots, of runs with much and with little in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_claims import CLEAN, DESCRIBED, lines_of, write_claims
from make_run import cell, write_run
from report_folder import report, rows_of

from pointwise_bench.report.__main__ import main
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.reading.run import load_run

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def test_torn_line_is_ignored_and_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9)])
    with (folder / "cells.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"backend": "a", "prob')
    page = write_site([analyse(load_run(folder))], tmp_path / "out").read_text(encoding="utf-8")
    assert "line 2: not JSON that can be read (Unterminated string" in page
    assert len(rows_of(tmp_path / "out" / "timings.csv")) == 1


def test_every_place_of_a_problem_is_a_row(tmp_path: Path) -> None:
    also = [{"group": "othernet", "name": "late", "count": 3}]
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9, name="early", also=also)])
    write_site([analyse(load_run(folder))], tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "timings.csv")
    assert [(row["group"], row["name"], row["count"]) for row in rows] == [
        ("tinynet", "early", "1"),
        ("othernet", "late", "3"),
    ]
    assert {row["median_s"] for row in rows} == {"0.001"}


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
    page = write_site([analyse(load_run(folder))], tmp_path / "out").read_text(encoding="utf-8")
    assert len(rows_of(tmp_path / "out" / "timings.csv")) == len(cells)
    assert "The run did not finish" in page
    assert "<b>" not in page


def test_failures_of_one_reason_are_one_row(tmp_path: Path) -> None:
    cells = [cell("a", one, status="crashed", reason="signal <11>") for one in (FIRST, SECOND)]
    page = write_site([analyse(load_run(write_run(tmp_path, cells)))], tmp_path / "out").read_text(encoding="utf-8")
    assert page.count("signal &lt;11&gt;") == 1


def test_same_data_gives_the_same_plots(tmp_path: Path) -> None:
    cells = [cell(name, one, [1e-3] * 9) for one in (FIRST, SECOND) for name in ("a", "b")]
    run = load_run(write_run(tmp_path, cells))
    for name in ("one", "two"):
        write_site([analyse(run)], tmp_path / name)
    plots = sorted(path.name for path in (tmp_path / "one" / "plots").iterdir())
    assert plots == ["roofline-float32-threads-1.svg", "tinynet-threads-1.svg"]
    for name in plots:
        assert (tmp_path / "one" / "plots" / name).read_bytes() == (tmp_path / "two" / "plots" / name).read_bytes()


def test_groups_whose_names_look_alike_have_plots_of_their_own(tmp_path: Path) -> None:
    cells = [cell("a", "n1c8h4w4-o8", [1e-3] * 9, group=group) for group in ("a b",)]
    cells += [
        cell("a", "n1c9h4w4-o8", [1e-3] * 9, group="a/b"),
        cell("a", "n1c7h4w4-o8", [1e-3] * 9, group="../../a-b"),
    ]
    assert main([str(write_run(tmp_path, cells)), "--out", str(tmp_path / "out")]) == 0
    assert len(list((tmp_path / "out" / "plots").glob("a-b-*-threads-1.svg"))) == 3


def test_an_undamaged_file_names_nothing(tmp_path: Path) -> None:
    write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)
    assert report(tmp_path / "run", tmp_path / "out") == (0, [])
    page = (tmp_path / "out" / "claims.html").read_text()
    assert "has &lt;b&gt;no&lt;/b&gt; stride" in page


def test_a_claim_that_was_not_reached_is_said(tmp_path: Path) -> None:
    write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)
    report(tmp_path / "run", tmp_path / "out")
    page = (tmp_path / "out" / "claims.html").read_text()
    # b has a finding for the stride and none for the module.
    module_section = page.split("3. inception-3a")[1]
    assert "the time of the run was spent before it" in module_section.split("</section>")[0]
