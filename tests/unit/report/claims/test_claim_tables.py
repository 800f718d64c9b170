"""The claims of a run as text: predicted and measured gains, what ate them, and who has none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
from make_claims import described, halves, lines_of, read_lines, write_claims

from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.wording import DASH
from pointwise_bench.report.claims.claim_tables import COLUMNS, NOT_REACHED, ClaimSection, Row, sections, tabulate
from pointwise_bench.report.claims.gains import gains
from pointwise_bench.report.reading.run import load_run

CROSS = "\N{MULTIPLICATION SIGN}"
NOWHERE = Roofs({}, {}, {})
RATE = "a lower rate of the products themselves (100%)"
FAILED: dict[str, Any] = {"samples_s": {}, "branches_s": {}, "steps_s": {}, "process": [], "error_ratio": None}


def sections_of(folder: Path, claims: list[dict[str, Any]], *lines: dict[str, Any]) -> list[ClaimSection]:
    """The sections of claims with these results."""
    read = read_lines(folder, claims, *lines)
    return sections(read, gains(read), NOWHERE)


def table_of(folder: Path, claims: list[dict[str, Any]], *lines: dict[str, Any]) -> pd.DataFrame:
    """The tidy table of a run with these claims and results."""
    run = load_run(write_claims(folder / "run", lines_of(lines), claims))
    return tabulate(run, gains(run.claims), NOWHERE)


# --- sections -----------------------------------------------------------------------------------------------------


def test_a_section_counts_the_work_of_each_way(tmp_path: Path) -> None:
    (section,) = sections_of(tmp_path, [described("one")])
    assert (section.anchor, section.number, section.title) == ("one", 7, "one")
    assert (section.says, section.source) == ("one says so", "a book")
    assert section.arithmetic == [
        ("whole", ["512", "256", "4,096", "4,096"]),
        ("half", ["256", "128", "2,048", "2,560"]),
    ]


def test_a_table_for_the_whole_and_for_every_branch_with_what_is_predicted(tmp_path: Path) -> None:
    (section,) = sections_of(tmp_path, [described("one")], halves("one", "a", 0.5e-3, 0.5e-3))
    assert [table.title for table in section.tables] == [
        "half, against whole",
        "half, left branch, against whole",
        "half, right branch, against whole",
    ]
    for table in section.tables:
        assert table.predicted == f"2.00{CROSS} by multiply-adds"
        assert table.ratios == [
            ("numbers written", f"2.00{CROSS}"),
            ("parameters", f"2.00{CROSS}"),
            ("multiply-adds", f"2.00{CROSS}"),
            ("bytes", f"1.60{CROSS}"),
        ]


def test_without_any_result_a_claim_has_its_prediction_alone(tmp_path: Path) -> None:
    (section,) = sections_of(tmp_path, [described("one", by="bytes")])
    (table,) = section.tables
    assert (table.predicted, table.rows) == (f"1.60{CROSS} by bytes", [])


def test_rows_are_by_thread_budget_and_the_largest_gain_first(tmp_path: Path) -> None:
    lines = [
        halves("one", "c", 0.5e-3, 0.5e-3, threads=2),
        halves("one", "a", 0.8e-3, 0.8e-3),
        halves("one", "b", 0.5e-3, 0.5e-3),
        halves("one", "z", 0.25e-3, 0.25e-3),
    ]
    (section,) = sections_of(tmp_path, [described("one")], *lines)
    rows = section.tables[0].rows
    assert [(row.backend, row.threads, row.against) for row in rows] == [
        ("z", 1, "beyond it"),
        ("b", 1, "as predicted"),
        ("a", 1, "short of it"),
        ("c", 2, "as predicted"),
    ]
    assert rows[0].measured == f"4.00{CROSS} [4.00, 4.00]"
    assert [row.ate != "" for row in rows] == [False, False, True, False]


def test_a_gain_from_fewer_starts_than_planned_says_so(tmp_path: Path) -> None:
    line = halves("one", "a", 0.5e-3, 0.5e-3, process=[0] * 5 + [1] * 10)
    (section,) = sections_of(tmp_path, [described("one")], line)
    assert section.tables[0].rows[0].measured == f"2.00{CROSS} [2.00, 2.00] (2 of 3 starts)"


def test_who_has_no_gain_is_named_once_with_the_reason(tmp_path: Path) -> None:
    claims = [described("one"), described("two")]
    lines = [
        halves("one", "a", 0.5e-3, 0.5e-3),
        halves("one", "refused", 1, 1) | FAILED | {"status": "unsupported", "reason": "no stride"},
        halves("one", "silent", 1, 1) | FAILED | {"status": "crashed"},
        halves("one", "inside", 0.5e-3, 0.5e-3, isolation="in-process"),
        halves("two", "late", 0.5e-3, 0.5e-3),
    ]
    one, two = sections_of(tmp_path, claims, *lines)
    assert one.tables[0].rows[1:] == [
        Row("silent", 1, DASH, "no reason given", "", "crashed"),
        Row("inside", 1, DASH, "timed in-process: not compared", "", "in-process"),
        Row("late", 1, DASH, NOT_REACHED, "", "not measured"),
        Row("refused", 1, DASH, "no stride", "", "unsupported"),
    ]
    # A claim is refused as a whole: its branches do not say it again.
    assert [[row.backend for row in table.rows] for table in one.tables[1:]] == [["a"], ["a"]]
    assert [row.backend for row in two.tables[0].rows] == ["late", "a", "inside", "refused", "silent"]


def test_a_total_is_a_section_of_its_own_at_the_end(tmp_path: Path) -> None:
    claims = [described("one", total="both"), described("two", total="both", says="no"), described("three")]
    lines = [halves(name, "a", 0.5e-3, 0.5e-3) for name in ("one", "two")]
    found = sections_of(tmp_path, claims, *lines)
    assert [section.title for section in found] == ["one", "two", "three", "both"]
    total = found[-1]
    assert (total.anchor, total.number, total.source) == ("total", 7, "a book")
    assert total.says == "Added up: one, two; for backends that have all of them."
    assert total.arithmetic == [
        ("whole", ["1,024", "512", "8,192", "8,192"]),
        ("half", ["512", "256", "4,096", "5,120"]),
    ]
    (table,) = total.tables
    assert table.title == "half, against whole"
    assert [(row.backend, row.measured) for row in table.rows] == [("a", f"2.00{CROSS} [2.00, 2.00]")]


def test_the_only_part_of_a_total_has_its_own_gain_once(tmp_path: Path) -> None:
    """The other parts were left out, or never asked for."""
    one, total = sections_of(tmp_path, [described("one", total="both")], halves("one", "a", 0.5e-3, 0.5e-3))
    assert [row.backend for row in one.tables[0].rows] == [row.backend for row in total.tables[0].rows] == ["a"]


# --- the tidy table -----------------------------------------------------------------------------------------------


def test_a_row_for_each_gain_and_one_for_each_result_without(tmp_path: Path) -> None:
    claims = [described("one", total="both"), described("two", total="both")]
    lines = [
        halves("one", "a", 0.8e-3, 0.5e-3, smallest_call_s=None),
        halves("two", "a", 0.5e-3, 0.5e-3),
        halves("one", "b", 0.5e-3, 0.5e-3, isolation="in-process"),
        halves("two", "b", 1, 1) | FAILED | {"status": "wrong", "reason": "off by one"},
    ]
    table = table_of(tmp_path, claims, *lines)
    assert list(table.columns) == list(COLUMNS)
    assert table[["claim", "branch", "backend", "status", "reason"]].to_numpy().tolist() == [
        *(["one", branch, "a", "ok", ""] for branch in ("", "left", "right")),
        *(["two", branch, "a", "ok", ""] for branch in ("", "left", "right")),
        ["both", "", "a", "ok", ""],
        ["one", "", "b", "in-process", ""],
        ["two", "", "b", "wrong", "off by one"],
    ]
    first = table.iloc[1]
    assert (first["ratio"], first["against_prediction"], first["ate_it"]) == (1.25, "short of it", RATE)
    assert (first["predicted"], first["predicted_bytes"], first["predicted_macs"]) == (2.0, 1.6, 2.0)
    assert (first["rounds"], first["starts"], first["variant"]) == (15, 3, "half")
    assert pd.isna(table.iloc[-1]["rounds"])
    assert pd.isna(table.iloc[-1]["ratio"])
    assert set(table["machine"]) == {"testbed-2-0123abcd"}
    assert set(table["run"]) == {"run"}


def test_without_results_the_table_has_its_columns(tmp_path: Path) -> None:
    table = table_of(tmp_path, [described("one")])
    assert len(table) == 0
    assert list(table.columns) == list(COLUMNS)


def test_what_ate_a_gain_is_the_sentence_of_the_shortfall(tmp_path: Path) -> None:
    read = read_lines(tmp_path, [described("one")], halves("one", "a", 0.8e-3, 0.8e-3, smallest_call_s=None))
    found = gains(read)
    (section,) = sections(read, found, NOWHERE)
    assert section.tables[0].rows[0].ate == RATE
    beyond = [replace(gain, low=9.0, high=9.0, ratio=9.0) for gain in found]
    assert sections(read, beyond, NOWHERE)[0].tables[0].rows[0].ate == ""
