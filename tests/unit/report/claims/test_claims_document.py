"""The tables of a document about claims: one row a comparison, over all backends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from make_claims import described, halves, lines_of, write_claims

from pointwise_bench.report.analysis.roofline import Roofs
from pointwise_bench.report.analysis.wording import DASH
from pointwise_bench.report.claims.claims_document import tables
from pointwise_bench.report.claims.gains import gains
from pointwise_bench.report.reading.run import load_run

CROSS = "\N{MULTIPLICATION SIGN}"


def texts_of(folder: Path, claims: list[dict[str, Any]], *lines: dict[str, Any]) -> dict[str, str]:
    """The texts of a run with these claims and results, by name."""
    run = load_run(write_claims(folder / "run", lines_of(lines), claims))
    return tables(run, gains(run.claims), Roofs({}, {}, {}))


def rows_of(table: str) -> list[list[str]]:
    """The cells of a table in Markdown, without its head."""
    lines = [line for line in table.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def test_a_row_has_what_is_predicted_the_median_the_ends_and_what_ate_most(tmp_path: Path) -> None:
    """Gains of 1.25, 2 and 4: the median is 2; one of three fell short, for the rate of its products alone."""
    lines = [
        halves("one", name, half, half, smallest_call_s=None)
        for name, half in (("a", 0.25e-3), ("b", 0.8e-3), ("c", 0.5e-3))
    ]
    claim = described("one")
    for variant in claim["variants"]:
        variant["branches"] = {"whole": [step for steps in variant["branches"].values() for step in steps]}
    for line in lines:
        line["branches_s"] = {}
        line["steps_s"] = {
            name: {"whole": {"product": sum(kinds["product"] for kinds in branches.values())}}
            for name, branches in line["steps_s"].items()
        }
    texts = texts_of(tmp_path, [claim], *lines)
    assert texts.keys() == {"run", "7"}
    (row,) = rows_of(texts["7"])
    assert row == [
        "one: half, against whole",
        f"**2.00{CROSS}**",
        f"2.00{CROSS}",
        f"2.00{CROSS}",
        f"1.60{CROSS}",
        f"2.00{CROSS} (3)",
        f"1.25{CROSS} [1.25, 1.25] b",
        f"4.00{CROSS} [4.00, 4.00] a",
        "a lower rate of the products themselves 100% (1 short of it)",
    ]
    assert "In bold, the gain in time that multiply-adds predict." in texts["7"]


def test_in_bold_is_the_measure_that_the_claim_goes_by(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, [described("one", by="bytes")], halves("one", "a", 0.625e-3, 0.625e-3))
    row = rows_of(texts["7"])[0]
    assert row[1:5] == [f"2.00{CROSS}", f"2.00{CROSS}", f"2.00{CROSS}", f"**1.60{CROSS}**"]
    assert row[-1] == DASH
    assert "that bytes predict" in texts["7"]


def test_of_the_claims_of_a_total_the_first_has_its_branches_and_the_total_a_row(tmp_path: Path) -> None:
    claims = [described("one", total="both"), described("two", total="both"), described("three", number=8)]
    lines = [halves(name, "a", 0.5e-3, 0.5e-3) for name in ("one", "two", "three")]
    texts = texts_of(tmp_path, claims, *lines)
    assert [row[0] for row in rows_of(texts["7"])] == [
        "one: half, against whole",
        "one, left branch: half, against whole",
        "one, right branch: half, against whole",
        "two: half, against whole",
        "both: half, against whole",
    ]
    assert texts.keys() == {"run", "7", "8"}


def test_the_facts_name_the_run_the_machine_and_how_many_were_timed(tmp_path: Path) -> None:
    lines = [
        halves("one", "a", 0.5e-3, 0.5e-3),
        halves("one", "a", 0.5e-3, 0.5e-3, threads=2),
        halves("one", "b", 0.5e-3, 0.5e-3, isolation="in-process"),
    ]
    said = texts_of(tmp_path, [described("one")], *lines)["run"]
    assert said.startswith(
        "Figures of 1 backends, from the run `testbed-2-0123abcd/run` (testbed, 1 thread and 2 threads), "
        "written here by"
    )
    assert "pointwise-bench report results/testbed-2-0123abcd/run --claims docs/WHAT_IT_BUYS.md" in said


def test_a_run_that_did_not_finish_says_so_first(tmp_path: Path) -> None:
    folder = write_claims(tmp_path / "run", lines_of([halves("one", "a", 0.5e-3, 0.5e-3)]), [described("one")])
    settings = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    (folder / "run.json").write_text(json.dumps(settings | {"finished_at": None}), encoding="utf-8")
    run = load_run(folder)
    said = tables(run, gains(run.claims), Roofs({}, {}, {}))["run"]
    assert said.startswith("The run's time was spent before its slowest backends had come to every claim;")
