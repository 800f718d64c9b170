"""Whatever a backend does to its name, or says of its end, it has a cell, and the page has all cells without a time."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, NamedTuple

import pytest
from places import PLUGINS
from report_folder import report, rows_of
from suite_command import CHEAP, SMALL, only_run, read_cells, run_suite

from pointwise_bench.common.status import STATUSES

CHANGED = ("changes-its-name", "changes-its-output", "changes-its-docstring", "is-changed-at-once")
BELOW = "is-below-nothing"
CRASHES = "exits"  # of another file: a backend that ends as backends do


class Shown(NamedTuple):
    """A run, and what its report says of it."""

    cells: list[dict[str, Any]]
    page: str
    timings: list[dict[str, str]]
    said: list[str]


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    folder = tmp_path_factory.mktemp("changed")
    results = folder / "results"
    plugins = [f"--plugin={PLUGINS / name}" for name in ("changeable.py", "misbehaving.py")]
    names = [f"--backend={name}" for name in (CHEAP, *CHANGED, BELOW, CRASHES)]
    run_suite(results, "--shapes", SMALL, *plugins, *names)
    code, said = report(only_run(results), folder / "out")
    assert code == 0
    page = (folder / "out" / "index.html").read_text(encoding="utf-8")
    return Shown(read_cells(results), page, rows_of(folder / "out" / "timings.csv"), said)


def test_every_backend_has_its_cell_under_the_name_that_it_registered(shown: Shown) -> None:
    assert Counter(cell["backend"] for cell in shown.cells) == Counter((CHEAP, *CHANGED, BELOW, CRASHES))


def test_every_cell_is_typed(shown: Shown) -> None:
    for cell in shown.cells:
        assert cell["status"] in STATUSES
        assert cell["output"] == ("reused" if cell["backend"] == CHEAP else "fresh")  # as each declared it
        assert cell["error_ratio"] is None or cell["error_ratio"] >= 0
        assert (cell["status"] == "ok") is (cell["reason"] == "") is bool(cell["samples_s"])


def test_who_changes_what_it_declared_is_measured_as_what_it_was(shown: Shown) -> None:
    assert {cell["backend"]: cell["status"] for cell in shown.cells if cell["backend"] in CHANGED} == dict.fromkeys(
        CHANGED, "ok"
    )


def test_an_error_below_nothing_is_believed_by_nobody(shown: Shown) -> None:
    (cell,) = [cell for cell in shown.cells if cell["backend"] == BELOW]
    assert cell["status"] != "ok"
    assert cell["error_ratio"] is None


def test_the_report_leaves_no_cell_out(shown: Shown) -> None:
    assert shown.said == []
    assert Counter((row["backend"], row["status"]) for row in shown.timings) == Counter(
        (cell["backend"], cell["status"]) for cell in shown.cells
    )


def test_the_list_of_failures_on_the_page_has_all_of_them_with_status_and_reason(shown: Shown) -> None:
    (table,) = re.findall(r'<table data-csv="failures">.*?</table>', shown.page, re.DOTALL)
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)]
    failed = [cell for cell in shown.cells if cell["status"] != "ok"]
    assert {BELOW, CRASHES} <= {cell["backend"] for cell in failed}
    for cell in failed:
        (row,) = [row for row in rows if cell["backend"] in row]
        assert cell["status"] in row
        assert cell["reason"].split()[0] in row
    assert len(rows) == 1 + len(failed)  # with its head
