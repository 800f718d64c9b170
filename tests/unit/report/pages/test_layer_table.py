"""The table of a shape group: what is in each cell and how it is marked."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from make_groups import LAYERS, group_of, standing

from pointwise_bench.report.analysis.wording import DASH
from pointwise_bench.report.pages.layer_table import IN_PROCESS_MARK, MOST_COLUMNS, REUSED_MARK, Entry, layer_table
from pointwise_bench.report.statistics.signs import Sign

CROSS = "\N{MULTIPLICATION SIGN}"
MICRO = "\N{MICRO SIGN}"
FIRST, SECOND = LAYERS


def row(backend: str, layer: int, seconds: float | None, **changed: Any) -> dict[str, Any]:
    """A row of the tidy table: a time from half to twice as long, or a failure."""
    return {
        "backend": backend,
        "name": LAYERS[layer].name,
        "problem": LAYERS[layer].problem,
        "status": "failed" if seconds is None else "ok",
        "reason": "planted" if seconds is None else "",
        "median_s": seconds,
        "low_s": seconds and seconds / 2,
        "high_s": seconds and seconds * 2,
        "rounds": 9,
        "leads": False,
        "sign": "slower",
        "output": "fresh",
        "isolation": "worker",
    } | changed


def test_a_row_per_layer_and_a_column_per_backend_in_the_order_of_the_standings() -> None:
    group = group_of("tinynet", [standing("b", 0.007, "fastest"), standing("a", 0.014, "slower")])
    rows = [row("a", 0, 2e-3), row("b", 1, 2e-3, leads=True), row("b", 0, 1e-3, leads=True), row("a", 1, 4e-3)]
    table = layer_table(group, pd.DataFrame(rows), None)
    assert (table.unit, table.backends) == ("ms", ["b", "a"])
    assert [(name, problem, count) for name, problem, count, _ in table.rows] == [tuple(FIRST), tuple(SECOND)]
    assert [[entry.text for entry in entries] for *_, entries in table.rows] == [["1.00", "2.00"], ["2.00", "4.00"]]
    assert [[entry.leads for entry in entries] for *_, entries in table.rows] == [[True, False], [True, False]]
    assert table.rows[0][3][1].hint == "1.00 to 4.00, 9 rounds"
    assert table.totals == [
        Entry("7.00", leads=True, hint="3.50 to 14.0"),
        Entry("14.0", leads=False, hint="7.00 to 28.0"),
    ]


def test_of_thousands_the_fastest_have_columns_and_the_others_are_counted() -> None:
    names = [f"b{number:03}" for number in range(MOST_COLUMNS + 2)]
    group = group_of("tinynet", [standing(name, 1.0, "slower") for name in names])
    rows = [row(name, layer, 1.0) for name in names for layer in (0, 1)]
    table = layer_table(group, pd.DataFrame(rows), None)
    assert table.backends == names[:MOST_COLUMNS]
    assert table.further == 2
    assert {len(entries) for *_, entries in table.rows} == {len(table.totals), len(table.speedups)} == {MOST_COLUMNS}


def test_of_whom_it_is_unclear_whether_he_is_as_fast_is_marked() -> None:
    signs: tuple[Sign, ...] = ("fastest", "same", "undecided", "slower")
    group = group_of("tinynet", [standing(sign, 1.0, sign) for sign in signs])
    rows = [row(sign, layer, 1.0, sign=sign, leads=sign in signs[:2]) for sign in signs for layer in (0, 1)]
    table = layer_table(group, pd.DataFrame(rows), None)
    for entries in (*(entries for *_, entries in table.rows), table.totals):
        assert [entry.leads for entry in entries] == [True, True, False, False]
        assert [entry.unclear for entry in entries] == [False, False, True, False]


def test_the_unit_is_that_of_the_shortest_time_and_holds_for_totals_too() -> None:
    group = group_of("tinynet", [standing("a", 0.007)])
    table = layer_table(group, pd.DataFrame([row("a", 0, 0.9e-3), row("a", 1, 2e-3)]), None)
    assert table.unit == f"{MICRO}s"
    assert [entries[0].text for *_, entries in table.rows] == ["900", "2,000"]
    assert table.totals[0].text == "7,000"


def test_what_failed_says_so_and_what_is_absent_is_a_dash() -> None:
    group = group_of("tinynet", [standing("a", None, timed=1), standing("b", None, timed=1)])
    table = layer_table(group, pd.DataFrame([row("a", 0, 1e-3), row("a", 1, None), row("b", 1, 1e-3)]), None)
    first, second = (entries for *_, entries in table.rows)
    assert second[0] == Entry("failed", failed=True, hint="planted")
    assert first[1] == Entry(DASH, hint="not in this run")
    assert table.totals[0] == Entry("1 of 2 layers", failed=True, hint="a partial sum would look fast")


def test_a_backend_without_any_time_has_no_column() -> None:
    group = group_of("tinynet", [standing("a", 1.0), standing("b", None, timed=0)])
    table = layer_table(group, pd.DataFrame([row("a", 0, 1.0), row("a", 1, 1.0), row("b", 0, None)]), None)
    assert table.backends == ["a"]
    assert [len(entries) for *_, entries in table.rows] == [1, 1]


@pytest.mark.parametrize(
    ("changed", "marks"),
    [
        ({}, ""),
        ({"output": "reused"}, REUSED_MARK),
        ({"isolation": "in-process"}, IN_PROCESS_MARK),
        ({"output": "reused", "isolation": "in-process"}, REUSED_MARK + IN_PROCESS_MARK),
    ],
)
def test_a_mark_stands_where_one_of_the_times_has_its_reason(changed: dict[str, Any], marks: str) -> None:
    group = group_of("tinynet", [standing("a", 1.0)])
    rows = [row("a", 0, 1.0), row("a", 1, 1.0, **changed)]
    assert layer_table(group, pd.DataFrame(rows), None).marks == {"a": marks}
    failed = [row("a", 0, 1.0), row("a", 1, None, **changed)]
    assert layer_table(group, pd.DataFrame(failed), None).marks == {"a": ""}


def test_speed_ups_say_over_how_many_layers_they_are() -> None:
    standings = [
        standing("base", 1.0),
        standing("a", 1.0, speedup=2.0, shared=2),
        standing("b", 1.0, speedup=0.5, shared=1),
        standing("c", 1.0),
    ]
    rows = [row(one.backend, layer, 1.0) for one in standings for layer in (0, 1)]
    table = layer_table(group_of("tinynet", standings), pd.DataFrame(rows), "base")
    assert [entry.text for entry in table.speedups] == ["baseline", f"2.00{CROSS}", f"0.50{CROSS} (1 of 2)", DASH]
