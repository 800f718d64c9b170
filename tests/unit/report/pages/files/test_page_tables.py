"""The tables of a page as files: every one of them, whatever its template says, and all of its text."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from make_run import cell, run_of, write_run
from report_folder import drawing

from pointwise_bench.report.pages.files.page_tables import with_tables
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.report.reading.value_readers import visible

FIRST, SECOND = "n1c64h28w28-o128", "n1c128h14w14-o64"
HEAD = "<thead><tr><th>a</th><th>b</th></tr></thead>"


def table(*rows: str, attributes: str = "", head: str = HEAD) -> str:
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="scroll"><table{attributes}>{head}<tbody>{body}</tbody></table></div>'


def test_a_table_has_a_link_above_it_and_the_page_keeps_what_it_had() -> None:
    text = f"<p>before</p>{table('<th>1</th><td>2</td>')}<p>after</p>"
    linked, (file,) = with_tables(text, "index")
    link = '<p class="csv"><a href="tables/index-1.csv" download>CSV</a></p>'
    assert linked == text.replace('<div class="scroll">', f'{link}<div class="scroll">')
    assert (file.name, file.columns, file.rows) == ("tables/index-1.csv", ["a", "b"], [["1", "2"]])


def test_all_text_of_a_cell_is_kept_and_none_of_its_tags_and_titles() -> None:
    row = '<td title="hint">a &lt;b&gt; &amp; <b>c</b><code>d</code><svg><title>no</title></svg></td><td>\u202ex</td>'
    _, (file,) = with_tables(table(row), "p")
    assert list(file.rows) == [["a <b> & c d", "\u202ex"]]


def test_tables_of_one_name_are_one_file_and_say_what_each_is_about() -> None:
    parts = [table("<td>1</td><td>2</td>", attributes=f' data-csv="x" data-of="{of}"') for of in ("one", "t&#34;wo")]
    _, (file,) = with_tables("".join(parts), "p")
    assert (file.name, file.columns) == ("tables/p-x.csv", ["of", "a", "b"])
    assert list(file.rows) == [["one", "1", "2"], ['t"wo', "1", "2"]]


def test_a_table_of_other_columns_has_a_file_of_its_own() -> None:
    other = HEAD.replace("b", "c")
    text = table("<td>1</td><td>2</td>", attributes=' data-csv="x"') * 2 + table(attributes=' data-csv="x"', head=other)
    linked, files = with_tables(text, "p")
    assert [(file.name, len(list(file.rows))) for file in files] == [("tables/p-x.csv", 2), ("tables/p-x-2.csv", 0)]
    assert linked.count('href="tables/p-x-2.csv"') == 1


def test_a_table_whose_numbers_are_in_another_file_has_none() -> None:
    text = table("<td>1</td><td>2</td>", attributes=' data-in="layers.csv"')
    assert with_tables(text, "p") == (text, [])


def test_a_table_without_a_head_has_numbered_columns_and_a_wide_cell_takes_its_places() -> None:
    _, (file,) = with_tables(table("<td>1</td><td>2</td>", '<td colspan="2">3</td>', head=""), "p")
    assert (file.columns, list(file.rows)) == (["1", "2"], [["1", "2"], ["3", ""]])


@pytest.mark.parametrize(
    "hostile", ["=cmd|' /C calc'!A0", "<td>", "</table>", 'a"b,c', "two\nlines", "x" * 10_000, "\u202e=1"]
)
def test_every_table_of_every_page_is_found_in_a_file_beside_it(hostile: str, tmp_path: Path) -> None:
    name = " ".join(hostile.split())[:60]
    cells = [cell(backend, FIRST, [1e-3] * 9, name=name) for backend in "ab"]
    cells += [cell("c", SECOND, status="crashed", reason=hostile)]
    with drawing(plots=False):
        write_site([analyse(load_run(write_run(tmp_path, cells)))], tmp_path / "out")
    found = 0
    for page in (tmp_path / "out").glob("*.html"):
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r'href="([^"]*\.csv)" download', text):
            found += 1
            with (tmp_path / "out" / name).open(newline="", encoding="utf-8") as file:
                rows = list(csv.reader(file))
            assert len({len(row) for row in rows}) == 1
            assert not [one for row in rows for one in row if re.match(r"[=@\t\r]|[+-](?![\d.,]+( %)?$)", one)]
        tables = text.count("<table") - text.count("data-in=")
        assert tables == text.count('href="tables/')
    assert found >= 6
    with (tmp_path / "out/tables/index-failures.csv").open(newline="", encoding="utf-8") as file:
        (failure,) = csv.DictReader(file)
    assert failure["reason"].removeprefix("'") == visible(hostile)


def test_a_table_of_a_page_has_every_figure_that_the_page_shows(tmp_path: Path) -> None:
    run = run_of(tmp_path, [cell("a", FIRST, [1.5e-3] * 9), cell("b", FIRST, [3e-3] * 9)])
    with drawing(plots=False):
        write_site([analyse(run)], tmp_path / "out")
    (path,) = (tmp_path / "out/tables").glob("index-layers-tinynet*.csv")
    with path.open(newline="", encoding="utf-8") as file:
        layer, total, mean = csv.DictReader(file)
    assert (layer["a"], layer["b"], layer["occurs"]) == ("1.50", "3.00", "1")
    assert (total["layer"], total["a"], total["b"]) == ("all, by occurrence", "1.50", "3.00")
    assert mean["b"].startswith("0.50")
