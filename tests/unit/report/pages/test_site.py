"""The files of a report: tables, pages and plots, of runs with much and with little in them."""

from __future__ import annotations

import csv
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from make_attacks import tried, write_attacks
from make_claims import CLEAN, DESCRIBED, described, halves, lines_of, write_claims
from make_run import cell, run_of, write_run
from report_folder import drawing, report, rows_of

from pointwise_bench.report.analysis import comparisons, timings
from pointwise_bench.report.claims import claim_tables
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import claims_text, readme_text, write_site
from pointwise_bench.report.plots.style import looks
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run import Run, load_run

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"


def page_of(folder: Path, *runs: Run) -> str:
    """The page of these runs; empty files stand in the place of plots."""
    with drawing(plots=False):
        return write_site([analyse(run) for run in runs], folder).read_text(encoding="utf-8")


def head_of(path: Path) -> list[str]:
    """The names of a table's columns."""
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


# --- tables -------------------------------------------------------------------------------------------------------


def test_torn_line_is_ignored_and_said(tmp_path: Path) -> None:
    folder = write_run(tmp_path, [cell("a", FIRST, [1e-3] * 9)])
    with (folder / "cells.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"backend": "a", "prob')
    page = page_of(tmp_path / "out", load_run(folder))
    assert "line 2: not JSON that can be read (Unterminated string" in page
    assert len(rows_of(tmp_path / "out" / "timings.csv")) == 1


def test_every_place_of_a_problem_is_a_row(tmp_path: Path) -> None:
    also = [{"group": "othernet", "name": "late", "count": 3}]
    page_of(tmp_path / "out", run_of(tmp_path, [cell("a", FIRST, [1e-3] * 9, name="early", also=also)]))
    rows = rows_of(tmp_path / "out" / "timings.csv")
    assert [(row["group"], row["name"], row["count"]) for row in rows] == [
        ("tinynet", "early", "1"),
        ("othernet", "late", "3"),
    ]
    assert {row["median_s"] for row in rows} == {"0.001"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(1)", "=HYPERLINK('x')"])
def test_no_text_of_a_table_is_computed_by_a_spreadsheet_and_none_is_lost(text: str, tmp_path: Path) -> None:
    failed = cell("a", SECOND, [], status="failed", reason=text, name=text, group=text)
    page_of(tmp_path / "out", run_of(tmp_path, [cell("a", FIRST, [1e-3] * 9), failed]))
    ok, row = sorted(rows_of(tmp_path / "out" / "timings.csv"), key=lambda row: row["status"] != "ok")
    assert {row[column] for column in ("reason", "name", "group")} == {f"'{text}"}
    assert (row["status"], row["threads"], ok["median_s"]) == ("failed", "1", "0.001")


def test_a_link_in_the_place_of_a_file_is_replaced_and_what_it_leads_to_stays_as_it_was(tmp_path: Path) -> None:
    """A stranger's run comes with a folder ``report``, in which everything is a link."""
    names = ("index.html", "timings.csv", "comparisons.csv", "summary.md", "plots")
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "file").write_text("precious")
    run = run_of(tmp_path, [cell("a", FIRST, [1e-3] * 9)])
    out = run.folder / "report"
    out.mkdir()
    for name in names:
        (out / name).symlink_to(precious if name == "plots" else precious / "file")
    with drawing(plots=True):
        write_site([analyse(run)], out)
    assert [path.name for path in precious.iterdir()] == ["file"]
    assert (precious / "file").read_text() == "precious"
    assert [name for name in names if (out / name).is_symlink() or not (out / name).exists()] == []
    assert not [path.name for path in out.iterdir() if path.name.startswith(".draft-")]


def test_a_link_in_the_place_of_the_folder_is_refused_in_a_run_and_followed_where_the_user_names_it(
    tmp_path: Path,
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    run = run_of(tmp_path, [cell("a", FIRST, [1e-3] * 9)])
    (run.folder / "report").symlink_to(elsewhere)
    with drawing(plots=False), pytest.raises(ReportError, match="is a link, which is not followed"):
        write_site([analyse(run)], run.folder / "report")
    assert list(elsewhere.iterdir()) == []
    (tmp_path / "named").symlink_to(elsewhere)
    page_of(tmp_path / "named", run)
    assert (elsewhere / "index.html").is_file()


def test_the_tables_have_their_columns_and_nine_digits(tmp_path: Path) -> None:
    cells = [cell("a", FIRST, [1.23456789123e-3] * 9), cell("b", FIRST, [2.46913578246e-3] * 9)]
    page_of(tmp_path / "out", run_of(tmp_path, cells))
    assert head_of(tmp_path / "out" / "timings.csv") == list(timings.COLUMNS)
    assert head_of(tmp_path / "out" / "comparisons.csv") == list(comparisons.COLUMNS)
    assert [row["median_s"] for row in rows_of(tmp_path / "out" / "timings.csv")] == ["0.00123456789", "0.00246913578"]
    (pair,) = rows_of(tmp_path / "out" / "comparisons.csv")
    assert (pair["backend_a"], pair["backend_b"], pair["ratio"], pair["verdict"]) == ("a", "b", "2", "faster")


def test_a_run_without_pairs_beside_one_with_does_not_change_its_types(tmp_path: Path) -> None:
    """Whole numbers stay whole, though the other table is empty."""
    full = run_of(tmp_path / "full", [cell(name, FIRST, [1e-3] * 9) for name in ("a", "b")])
    page_of(tmp_path / "out", run_of(tmp_path / "empty", []), full)
    (pair,) = rows_of(tmp_path / "out" / "comparisons.csv")
    assert (pair["threads"], pair["rounds"], pair["starts"]) == ("1", "9", "3")
    assert [row["rank"] for row in rows_of(tmp_path / "out" / "timings.csv")] == ["1", "1"]


# --- pages --------------------------------------------------------------------------------------------------------


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


def test_a_run_that_did_not_finish_says_so_first_and_how_to_go_on(tmp_path: Path) -> None:
    for name, finished in (("done", "2026-01-02T03:14:05Z"), ("ended", None)):
        asked = {"backends": ["a", "slow-one"]}
        run = run_of(tmp_path / name, [cell("a", FIRST, [1e-3] * 9)], finished_at=finished, options=asked)
        (run.folder / "checkpoint.jsonl").write_text('{"problem": "n1c8h4w4-o8", "threads": 1}\n', encoding="utf-8")
        first = page_of(tmp_path / f"{name}-out", run).partition("<h2>")[0]
        assert ("of 1 problem there are first rounds" in first) == (finished is None)
        assert ("Unfinished</strong>" in first) == ("--resume" in first) == (finished is None)
        assert ("was not measured, of slow-one nothing at all;" in first) == (finished is None)


def test_failures_of_one_reason_are_one_row(tmp_path: Path) -> None:
    cells = [cell("a", one, status="crashed", reason="signal <11>") for one in (FIRST, SECOND)]
    page = page_of(tmp_path / "out", run_of(tmp_path, cells))
    assert page.count('<td class="wide">signal &lt;11&gt;</td>') == 1


def test_several_runs_have_an_index_and_pages_with_plots_of_their_own(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / name, [cell("a", FIRST, [1e-3] * 9)]) for name in ("one", "two")]
    page = page_of(tmp_path / "out", *runs)
    assert [f'id="run-{number}"' in page for number in (1, 2, 3)] == [True, True, False]
    plots = sorted(path.name for path in (tmp_path / "out" / "plots").glob("*tinynet*"))
    assert plots == ["1-tinynet-threads-1.svg", "2-tinynet-threads-1.svg"]
    for number, name in enumerate(plots, 1):
        assert f'href="run-{number}.html"' in page
        assert f'src="plots/{name}"' in (tmp_path / "out" / f"run-{number}.html").read_text(encoding="utf-8")


def test_every_number_on_the_page_is_that_of_the_tables(tmp_path: Path) -> None:
    """Two layers, one of them three times: 1 + 3 * 2 = 7 ms against 14 ms."""
    cells = [cell("a", FIRST, [1e-3] * 9), cell("a", SECOND, [2e-3] * 9, count=3)]
    cells += [cell("b", FIRST, [2e-3] * 9), cell("b", SECOND, [4e-3] * 9, count=3)]
    page = page_of(tmp_path / "out", run_of(tmp_path, cells))
    row = page[page.index('<tr class="sum"><th scope="row">all, by occurrence') :].partition("</tr>")[0]
    assert [part.partition(">")[2].partition("<")[0] for part in row.split("<td")[2:]] == ["7.00", "14.0"]
    summary = (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")
    assert "| tinynet | 1 | **a** | 7.00 ms | baseline | 2 of 2 |" in summary
    assert "|  |  | b | 14.0 ms | 0.50" in summary


def test_what_was_tried_on_the_machine_is_a_line_of_the_page_and_of_the_summary(tmp_path: Path) -> None:
    run = run_of(tmp_path, [cell("a", FIRST, [1e-3] * 9)])
    page = page_of(tmp_path / "none", run)
    assert "has not been tried; &#39;pointwise-bench attack&#39; tries it.</p>" in page
    assert 'data-csv="attacks"' not in page
    write_attacks(run.folder.parent, [tried("<b>", refused=8, gained=1), tried("c"), tried("d", "planted")])
    page = page_of(tmp_path / "out", run)
    line = "Of 2 of the 3 backends that cheat on purpose, 1 got a time that it did not earn; of 1 of the 2 mistakes, 0"
    assert f"<details><summary>{line}</summary>" in page  # closed
    rows = rows_of(tmp_path / "out" / "tables" / "index-attacks.csv")
    assert [(row["kind"], row["cells"], row["unearned times"]) for row in rows] == [
        ("<b>", "9", "1"),
        ("c", "9", "0"),
    ]
    assert f"\n{line}.\n" in (tmp_path / "out" / "summary.md").read_text(encoding="utf-8")


def test_same_data_gives_the_same_plots(tmp_path: Path) -> None:
    cells = [cell(name, one, [1e-3] * 9) for one in (FIRST, SECOND) for name in ("a", "b")]
    run = run_of(tmp_path, cells)
    for name in ("one", "two"):
        write_site([analyse(run)], tmp_path / name)
    plots = sorted(path.name for path in (tmp_path / "one" / "plots").iterdir())
    assert plots == ["roofline-float32-threads-1.svg", "tinynet-threads-1.svg"]
    for name in plots:
        assert (tmp_path / "one" / "plots" / name).read_bytes() == (tmp_path / "two" / "plots" / name).read_bytes()


def test_the_same_runs_in_another_order_give_the_same_bytes(tmp_path: Path) -> None:
    cells = [cell(name, one, [1e-3] * 9) for one in (FIRST, SECOND) for name in ("a", "b")]
    runs = [run_of(tmp_path, cells, name=f"2026-01-0{day}T03-04-05Z") for day in (1, 2)]
    for name, order in (("one", runs), ("two", runs[::-1])):
        page_of(tmp_path / name, *order)
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two
    assert len(one) >= 8


def test_a_backend_has_one_colour_on_all_pages_of_a_report(tmp_path: Path) -> None:
    """Also of two whose names give the same colour, of which one run has both and the other has one."""
    names = [f"backend-{number}" for number in range(30)]
    first, second = next(pair for pair in combinations(names, 2) if len({looks([one])[one] for one in pair}) == 1)
    runs = [
        run_of(tmp_path / str(number), [cell(who, FIRST, [1e-3] * 9) for who in there], name=f"2026-01-0{number}")
        for number, there in enumerate(((first, second), (second,)), 1)
    ]
    page_of(tmp_path / "out", *runs)
    found: dict[str, list[str]] = {}
    for page in sorted((tmp_path / "out").glob("*.html")):
        for paint, who in re.findall(r'<i[^>]* style="(background[^"]*)"></i>(backend-\d+)', page.read_text("utf-8")):
            found.setdefault(who, []).append(paint)
    # On the page of the run and on that of its layer whoever is fastest, and each in the table of the layer.
    assert (len(found[first]), len(found[second])) == (3, 1 + 3)
    assert [len(set(paints)) for paints in found.values()] == [1, 1]
    assert found[first][0] != found[second][0]


def test_groups_whose_names_look_alike_have_plots_of_their_own(tmp_path: Path) -> None:
    names = ("a b", "a/b", "../../a-b")
    cells = [cell("a", f"n{number}c8h4w4-o8", [1e-3] * 9, group=name) for number, name in enumerate(names, 1)]
    assert report(write_run(tmp_path, cells), tmp_path / "out") == (0, [])
    assert len(list((tmp_path / "out" / "plots").glob("a-b-*-threads-1.svg"))) == 3


# --- claims -------------------------------------------------------------------------------------------------------


def test_an_undamaged_file_names_nothing(tmp_path: Path) -> None:
    run = write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)
    assert report(run, tmp_path / "out") == (0, [])
    page = (tmp_path / "out" / "claims.html").read_text()
    assert "has &lt;b&gt;no&lt;/b&gt; stride" in page


def test_a_claim_that_was_not_reached_is_said(tmp_path: Path) -> None:
    page_of(tmp_path / "out", load_run(write_claims(tmp_path / "run", lines_of(CLEAN), DESCRIBED)))
    page = (tmp_path / "out" / "claims.html").read_text()
    # b has a result for the stride and none for the module.
    module_section = page.split("3. inception-3a")[1]
    assert "the time of the run was spent before it" in module_section.split("</section>")[0]


def test_claims_have_a_page_and_a_table_where_a_run_asked_for_them(tmp_path: Path) -> None:
    asked = load_run(write_claims(tmp_path / "run", lines_of([halves("one", "a", 5e-4, 5e-4)]), [described("one")]))
    page = page_of(tmp_path / "out", run_of(tmp_path / "other", []), asked)
    assert 'href="claims.html"' in page
    assert head_of(tmp_path / "out" / "claims.csv") == list(claim_tables.COLUMNS)
    assert [row["branch"] for row in rows_of(tmp_path / "out" / "claims.csv")] == ["", "left", "right"]
    text = (tmp_path / "out" / "claims.html").read_text(encoding="utf-8")
    assert "half, left branch, against whole: predicted 2.00" in text
    assert 'src="plots/2-claims.svg"' in text


def test_without_claims_there_is_no_page_of_them(tmp_path: Path) -> None:
    page = page_of(tmp_path / "out", run_of(tmp_path, []))
    assert not (tmp_path / "out" / "claims.html").exists()
    assert "claims.html" not in page


def test_texts_for_a_document_need_a_measured_claim(tmp_path: Path) -> None:
    folder = write_claims(tmp_path / "run", lines_of([halves("one", "a", 5e-4, 5e-4)]), [described("one")])
    assert claims_text(analyse(load_run(folder))).keys() == {"run", "7"}
    with pytest.raises(ReportError, match=r"holds no measured claim; make one with .*--shapes claims"):
        claims_text(analyse(run_of(tmp_path, [])))


# --- a README -----------------------------------------------------------------------------------------------------


def test_the_summary_for_a_readme_has_the_answer_and_a_row_for_each_backend(tmp_path: Path) -> None:
    cells = [cell("a", FIRST, [1e-3] * 9), cell("b|c", FIRST, [2e-3] * 9)]
    text = readme_text(analyse(run_of(tmp_path, cells)))
    assert text.startswith("On tinynet, a is fastest: 2.00")
    assert "Machine: testbed-2-0123abcd, 2026-01-02." in text
    assert "| tinynet | 1 | **a** | 1.00 ms | 2.00" in text
    assert "| b&#124;c | 0 of 1 |" in text
