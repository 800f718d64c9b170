"""The site of several runs: an index that leads to each, histories, badges, and the same bytes in any order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from make_run import cell, write_run
from report_folder import drawing

from pointwise_bench.report.publishing.publication import letter_of, publish

PROBLEM = "n1c64h28w28-o128"


def three_runs(folder: Path) -> list[Path]:
    cells = [cell("a", PROBLEM, [1e-3] * 9), cell("b", PROBLEM, [2e-3] * 9)]
    return [
        write_run(folder, cells, "2026-01-02T03-04-05Z"),
        write_run(folder, cells, "2026-01-03T03-04-05Z", finished_at=None),
        write_run(folder, cells, "2026-01-03T03-04-05Z", machine="=other <b>-4", policy={}),
    ]


def made(folders: list[Path], out: Path) -> str:
    with drawing(plots=False):
        page, count = publish(folders, out, lambda policy: None if policy else "other rules", print)
    assert count == len(folders)
    return page.read_text(encoding="utf-8")


def test_the_index_tells_of_each_run_and_every_link_leads_somewhere(tmp_path: Path) -> None:
    text = made(three_runs(tmp_path / "results"), tmp_path / "site")
    rows = re.findall(r'<tr><th scope="row">.*?</tr>', text, re.DOTALL)
    assert ["2026-01-03" in row for row in rows] == [True, True, False]
    assert [row.count(", unfinished") for row in rows] == [1, 0, 0]
    assert ['class="failed">no</strong>; rules: other rules' in row for row in rows] == [False, True, False]
    assert "1 of 1 networks, 2 of 2 cells" in rows[0]
    assert "<b>-4" not in text
    for page in (tmp_path / "site").glob("*.html"):
        for target in re.findall(r'(?:href|src)="([^"#]+)', page.read_text(encoding="utf-8")):
            assert (page.parent / target).is_file(), target
    (machine,) = (tmp_path / "site").glob("machine-testbed*.html")
    assert "No network has a total in two runs" not in machine.read_text(encoding="utf-8")
    assert len(list((tmp_path / "site").rglob("badges/*.svg"))) == 3
    assert 'href="scaling.html"' in text


def test_the_same_runs_in_another_order_are_the_same_bytes(tmp_path: Path) -> None:
    runs = three_runs(tmp_path / "results")
    made(runs, tmp_path / "one")
    made(runs[::-1], tmp_path / "two")
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two


def test_a_run_that_cannot_be_read_is_named_and_left_out(tmp_path: Path) -> None:
    runs = [*three_runs(tmp_path / "results")[:1], write_run(tmp_path / "results", [], "broken", format=99)]
    said: list[str] = []
    with drawing(plots=False):
        _, count = publish(runs, tmp_path / "site", lambda _: None, said.append)
    assert (count, len(said)) == (1, 1)
    assert "format 99" in said[0]


def test_runs_have_one_letter_where_only_their_planning_differs(tmp_path: Path) -> None:
    cells = [cell("a", PROBLEM, [1e-3] * 9)]
    runs = [
        write_run(
            tmp_path / "results", cells, f"2026-01-0{day}T03-04-05Z", policy={"rounds": rounds, "gate": {"a": gate}}
        )
        for day, rounds, gate in ((1, {"passes": 3}, 1), (2, {"passes": 6}, 1), (3, {"passes": 3}, 2))
    ]
    made(runs, tmp_path / "site")
    (page,) = (tmp_path / "site").glob("machine-*.html")
    letters = re.findall(r'<td data-label="rules">(\w+)</td>', page.read_text(encoding="utf-8"))
    assert letters == ["B", "A", "A", "A", "A", "B"]  # of the runs, the newest first, and of the history, the oldest


@pytest.mark.parametrize(("number", "letter"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA")])
def test_rules_have_letters(number: int, letter: str) -> None:
    assert letter_of(number) == letter
