"""The verdicts as a reader gets them, and the exit code that they come to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pointwise_bench.common.fail_on import FailOn
from pointwise_bench.comparing.changes import VersionChange
from pointwise_bench.comparing.verdict_table import MOST_LINES, as_markdown, as_text, failing, summary

SLOWER = VersionChange("mine", "net a (p)", 2, "slower", "", 1e-3, 1.06e-3, 1.06, 1.04, 1.08, problem="p")
SAME = replace(SLOWER, verdict="same", ratio=1.0)
BROKEN = VersionChange("mine", "net b (q)", 2, "broken", "ok before, wrong now: a|b\n<i>", problem="q")
TOTAL = VersionChange("mine", "net, all 2 layers", 2, "undecided", ratio=1.01, low=0.99, high=1.03)


@pytest.mark.parametrize(
    ("fail_on", "found"),
    [
        ("nothing", []),
        ("broken", [BROKEN]),
        ("slower", [SLOWER, BROKEN]),
        ("slower:5", [SLOWER, BROKEN]),
        ("slower:7", [BROKEN]),
    ],
)
def test_what_fails_is_what_was_named(fail_on: str, found: list[VersionChange]) -> None:
    assert failing([SLOWER, SAME, BROKEN, TOTAL], FailOn.parse(fail_on)) == found
    assert str(FailOn.parse(fail_on)) == fail_on


def test_totals_come_first_then_what_was_lost_and_the_same_is_counted_only() -> None:
    lines = list(as_text([SAME, SLOWER, BROKEN, TOTAL]))
    assert [line.partition(":")[0] for line in lines] == ["undecided", "broken", "slower"]
    assert lines[2].startswith("slower: mine, net a (p), 2 threads: 1.00 ms before, 1.06 ms now: 1.06")
    assert summary([SAME, SLOWER, BROKEN], "main") == ("against main, in the same rounds: 1 broken, 1 slower, 1 same")


def test_the_table_holds_whatever_a_plugin_says_in_its_cells() -> None:
    table = as_markdown([BROKEN, SAME], "main (0123)", 0.02)
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    assert len(rows) == 4
    assert all(row.count("|") == 8 for row in rows)
    assert "<i>" not in table


def test_a_table_of_many_layers_is_cut() -> None:
    table = as_markdown([SAME] * (MOST_LINES + 2), "main", 0.02)
    assert table.count("\n| ") == MOST_LINES + 2
    assert "and 2 more" in table
