"""The report on damaged runs: one line of error, or a report that names all that it left out.

Damage is done in 28 kinds, each of which draws its details. The usual run reads twelve of every kind, which takes a few
milliseconds each, and makes a whole report of one of every kind. ``POINTWISE_SOAK=1`` does both with 10,000.
"""

from __future__ import annotations

import html
import json
import math
import os
import random
import re
import shutil
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import pytest
from corruptions import ANYTHING, clean_lines, clean_settings, flipped, places_in
from damaged_runs import KINDS, Damage, damage
from make_claims import CLEAN, DESCRIBED, lines_of, write_claims
from report_folder import report, rows_of

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.report.pages import group_pages, run_page
from pointwise_bench.report.pages.run_analysis import RunAnalysis
from pointwise_bench.report.reading import cells, run as reading
from pointwise_bench.report.reading.errors import ReportError
from pointwise_bench.report.reading.run_format import CELL, read_cell
from pointwise_bench.report.reading.value_readers import object_of

SOAK = os.environ.get("POINTWISE_SOAK") == "1"
READ, REPORTED = (10_000, 10_000) if SOAK else (12 * len(KINDS), len(KINDS))
CLAIMS_REPORTED = 1_000 if SOAK else 10
BLOCK = 28
# Plots are most of a report's time: one in so many trials has them. Prime to the number of kinds, so that in the end
# all get some; the first is that of odd names.
PLOTS_EVERY, FIRST_PLOT = 23, 10
WRITTEN = re.compile(
    r"(index|win-map|roofline|performance-profile|break-even|scaling|machines|layers-[A-Za-z0-9._-]+)\.html"
    r"|(timings|comparisons|networks|shares|roofline|performance-profile|break-even|scaling|machines|layers-[A-Za-z0-9._-]+)\.csv"
    r"|summary\.md|tables/[A-Za-z0-9._-]+\.csv|plots/[A-Za-z0-9._-]+\.svg"
)
NOTE = re.compile(r"note: \S+: left out: (?P<said>.*)")
LINE = re.compile(r"line (\d+)\b")
LONGEST_NOTE = 1000
WHOLE = Damage("none", b"\n".join(clean_lines()) + b"\n", json.dumps(clean_settings()).encode())

Shown = Mapping[tuple[str, str, str], tuple[str, float]]
"""Status and median by backend, problem and thread budget."""


def write(what: Damage, run: Path) -> None:
    """The files of a damaged run, beside one that the report does not know."""
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    (run / "cells.jsonl").write_bytes(what.cells)
    (run / "run.json").write_bytes(what.settings)
    (run / "checkpoint.jsonl").write_bytes(b"\xff not ours")


def try_reading(folder: Path, what: Damage) -> str:
    """Read ``what`` as the report does and judge what came out; returns the kind of outcome."""
    write(what, folder / "run")
    try:
        found = reading.load_run(folder / "run")
    except ReportError as error:
        judge_notes(what, [str(error)])
        judge_refusal(what, str(error), folder / "run")
        return "error"
    judge_notes(what, found.defects)
    medians = {
        (one.backend, one.problem.id, str(one.threads)): statistics.median(one.samples.tolist() or [math.nan])
        for one in found.cells
    }
    statuses = {(one.backend, one.problem.id, str(one.threads)): one.status for one in found.cells}
    judge_lines(what, found.defects, {key: (statuses[key], medians[key]) for key in statuses})
    return "named" if found.defects else "unharmed"


def try_report(folder: Path, what: Damage, plots: bool = False) -> str:
    """Report on ``what`` in ``folder`` as the command would and judge what came out; returns the kind of outcome."""
    run, out = folder / "run", folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    write(what, run)
    code, said = report(run, out, plots)
    judge_files(folder, run, out)
    judge_notes(what, said)
    if code == USAGE_ERROR:
        assert not out.exists()
        assert len(said) == 1
        assert said[0].startswith("pointwise-bench report: ")
        judge_refusal(what, said[0].removeprefix("pointwise-bench report: "), run)
        return "error"
    assert code == 0
    matches = [NOTE.fullmatch(line) for line in said]
    assert all(matches), said
    named = [match["said"] for match in matches if match]
    judge_text(out, named)
    rows = rows_of(out / "timings.csv")
    judge_lines(
        what,
        named,
        {
            (row["backend"], row["problem"], row["threads"]): (row["status"], float(row["median_s"] or math.nan))
            for row in rows
        },
    )
    for path in (out / "plots").glob("*.svg"):
        ElementTree.fromstring(path.read_bytes())
    return "named" if named else "unharmed"


# --- judges -------------------------------------------------------------------------------------------------------


def judge_notes(what: Damage, said: Sequence[str]) -> None:
    """Short lines of printable characters, and one of them on a key that is surely damaged."""
    assert all(line.isprintable() and len(line) <= LONGEST_NOTE for line in said), said
    assert what.must_say in "\n".join(said)
    assert said or not what.must_say


def judge_refusal(what: Damage, said: str, run: Path) -> None:
    """One bad line never costs the others: only run.json can stop a report."""
    assert what.settings != WHOLE.settings
    assert re.match(rf"{re.escape(str(run))}/(run\.json|cells\.jsonl): \S", said), said


def judge_files(folder: Path, run: Path, out: Path) -> None:
    """Nothing but the report's own files, and nothing outside its folder."""
    outside = {path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(out)}
    assert outside == {run / name for name in ("cells.jsonl", "run.json", "checkpoint.jsonl")}
    inside = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    assert all(map(WRITTEN.fullmatch, inside)), inside


def judge_text(out: Path, named: list[str]) -> None:
    """Everything that is left out stands on the page and in the summary."""
    page, summary = ((out / name).read_text(encoding="utf-8") for name in ("index.html", "summary.md"))
    behind = [path.read_text(encoding="utf-8") for path in out.glob("layers-*.html")]
    items = set(re.findall(r"<li>(.*?)</li>", page))
    bullets = set(map(html.unescape, summary.splitlines()))
    for said in named:
        assert html.escape(said, quote=True) in {
            one.replace("&#34;", "&quot;").replace("&#39;", "&#x27;") for one in items
        }
        assert "- " + " ".join(said.split()) in bullets
    assert not any("<script>" in text for text in (page, *behind))  # the report's own has a type
    assert not re.search(r"<(script|b)\b", summary)


def judge_lines(what: Damage, named: Sequence[str], shown: Shown) -> None:
    """Each line is either named, or shown with the median of its own times; a whole line is never named."""
    numbers = Counter(int(match[1]) for match in map(LINE.match, named) if match)
    assert set(numbers.values()) <= {1}
    assert what.must_name <= numbers.keys(), sorted(what.must_name - numbers.keys())
    kept: dict[tuple[str, str, str], Any] = {}
    for number, line in enumerate(what.cells.split(b"\n"), 1):
        if not line.strip():
            assert number not in numbers
        elif number in numbers:
            assert line not in clean_lines(), f"line {number} is whole"
        else:
            values = json.loads(line)
            kept[values["backend"], values["problem"], str(values["threads"])] = values
    assert shown.keys() == kept.keys()
    for key, values in kept.items():
        status, median = shown[key]
        assert status == values["status"]
        if status == "ok":
            assert math.isclose(median, statistics.median(values["samples_s"]), rel_tol=1e-8)


# --- cells and settings -------------------------------------------------------------------------------------------


def tried(number: int, attempt: Callable[[Damage], str]) -> str:
    """The outcome of the damage of that number, which is named where the attempt fails."""
    what = damage(number)
    try:
        return attempt(what)
    except Exception as error:
        raise AssertionError(f"damage({number}), {what.what}") from error


@pytest.mark.parametrize("first", range(0, READ, 10 * BLOCK))
def test_damaged_runs_are_read_or_refused_in_words(tmp_path: Path, first: int) -> None:
    numbers = range(first, min(first + 10 * BLOCK, READ))
    outcomes = Counter(tried(number, lambda what: try_reading(tmp_path, what)) for number in numbers)
    # A judge that only ever sees one of them would prove little.
    assert first or all(outcomes[one] >= 10 for one in ("error", "named", "unharmed")), outcomes


@pytest.mark.parametrize("first", range(0, REPORTED, BLOCK))
def test_damaged_runs_are_reported_or_refused_in_words(tmp_path: Path, first: int) -> None:
    for number in range(first, min(first + BLOCK, REPORTED)):
        plots = number % PLOTS_EVERY == FIRST_PLOT
        tried(number, lambda what, plots=plots: try_report(tmp_path, what, plots))  # type: ignore[misc]


def test_an_undamaged_run_names_nothing(tmp_path: Path) -> None:
    assert try_reading(tmp_path, WHOLE) == "unharmed"
    assert try_report(tmp_path, WHOLE) == "unharmed"


def test_the_same_number_is_the_same_damage() -> None:
    assert [damage(number) for number in range(len(KINDS))] == [damage(number) for number in range(len(KINDS))]


# --- planted faults -----------------------------------------------------------------------------------------------


def silent_cells(path: Path) -> Any:
    return CELLS(path)[0], []


def hurried(line: Any) -> Any:
    """The keys, but not how they agree."""
    return object_of(CELL)(line)


def mute(found: RunAnalysis) -> dict[str, Any]:
    return FACTS(found) | {"left_out": ()}


def lenient(values: Any) -> Any:
    return READ_CELL({"device": "cpu"} | values | {"threads": int(values["threads"])})


CELLS, FACTS, READ_CELL = cells.read_cells, run_page.facts_of, read_cell


@pytest.mark.parametrize(
    ("owner", "name", "planted"),
    [
        (reading, "read_cells", silent_cells),
        (cells, "read_cell", hurried),
        (cells, "read_cell", lenient),
        (cells, "read_cell", lambda line: READ_CELL({key: line[key] for key in (*line, "news")})),
        (cells, "Defect", KeyError),
    ],
    ids=["lines dropped in silence", "no relations", "types converted", "whole lines refused", "loose"],
)
def test_a_planted_fault_of_reading_is_caught(tmp_path: Path, owner: Any, name: str, planted: Any) -> None:
    with mock.patch.object(owner, name, planted), pytest.raises((Exception, SystemExit)):
        for number in range(12 * len(KINDS)):
            try_reading(tmp_path, damage(number))


@pytest.mark.parametrize(
    ("owner", "name", "planted"),
    [(run_page, "facts_of", mute), (group_pages, "slug_of", lambda name: name.lstrip("/"))],
    ids=["page mute", "paths"],
)
def test_a_planted_fault_of_the_pages_is_caught(tmp_path: Path, owner: Any, name: str, planted: Any) -> None:
    with mock.patch.object(owner, name, planted), pytest.raises((Exception, SystemExit)):
        for number in range(FIRST_PLOT, FIRST_PLOT + len(KINDS)):
            try_report(tmp_path, damage(number))


# --- claims -------------------------------------------------------------------------------------------------------


def test_every_line_of_claims_that_says_nonsense_is_named_on_the_page(tmp_path: Path) -> None:
    good = CLEAN[0]
    damaged = [{key: value for key, value in good.items() if key != left_out} for left_out in ("claim", "backend")]
    damaged += [good | {"status": "fine"}, good | {"threads": 0}, good | {"process": [0]}, good | {"samples_s": {}}]
    run = write_claims(tmp_path / "run", b"torn\n" + lines_of([*damaged, CLEAN[1]]), DESCRIBED)
    code, said = report(run, tmp_path / "out")
    assert code == 0
    assert [line.partition(", line ")[2].partition(":")[0] for line in said] == ["1", "2", "3", "4", "5", "6", "7"]
    assert all(line.startswith(f"note: {run}: left out: claims.jsonl, line ") for line in said)
    page = (tmp_path / "out" / "claims.html").read_text(encoding="utf-8")
    for line in said:
        assert (
            html.escape(line.partition("left out: ")[2]).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page
        )


@pytest.mark.parametrize("first", range(0, CLAIMS_REPORTED, 10))
def test_damaged_claims_are_named_or_harmless(tmp_path: Path, first: int) -> None:
    """Ten whole reports beside the 150 damages that only are read, in the tests of reading claims."""
    for number in range(first, first + 10):
        draw = random.Random(number)
        lines, described = json.loads(json.dumps(CLEAN)), json.loads(json.dumps(DESCRIBED))
        holder, key = draw.choice(list(places_in(lines if number % 3 else described)))
        holder[key] = draw.choice(ANYTHING)
        content = lines_of(lines)
        if number % 5 == 0:
            content = flipped(draw, content)[: draw.randrange(len(content))]
        code, said = report(write_claims(tmp_path / "run", content, described), tmp_path / "out")
        assert all(one.isprintable() for one in said), number
        # Only a run.json that cannot be read at all stops a report.
        assert code == 0 or (code == USAGE_ERROR and number % 3 == 0 and len(said) == 1), number
