"""The report on damaged runs: one line of error, or a report that names all that it left out.

``POINTWISE_SOAK=1`` tries 10,000 of them; the usual run a sample that has every kind.
"""

from __future__ import annotations

import html
import json
import math
import os
import re
import shutil
import statistics
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock
from xml.etree import ElementTree

import pytest
from corruptions import KINDS, Damage, clean_lines, clean_settings, damage
from report_folder import report, rows_of

from pointwise_bench.common.formats import USAGE_ERROR
from pointwise_bench.report.pages import run_page
from pointwise_bench.report.pages.run_analysis import RunAnalysis
from pointwise_bench.report.reading import cells, run
from pointwise_bench.report.reading.run_format import CELL, read_cell
from pointwise_bench.report.reading.value_readers import object_of

# The usual sample has every kind of damage three times, thrice as often those of a cell's keys.
TRIALS = 10_000 if os.environ.get("POINTWISE_SOAK") == "1" else 3 * len(KINDS)
BLOCK = 28
# Plots are most of a report's time: every so many trials has them. Prime to the number of kinds, so that all get some.
PLOTS_EVERY = 23
WRITTEN = re.compile(r"index\.html|timings\.csv|comparisons\.csv|summary\.md|plots/[A-Za-z0-9._-]+\.svg")
NOTE = re.compile(r"note: \S+: left out: (?P<said>.*)")
LINE = re.compile(r"line (\d+)\b")
LONGEST_NOTE = 1000
WHOLE = Damage("none", b"\n".join(clean_lines()) + b"\n", json.dumps(clean_settings()).encode())


def try_report(folder: Path, what: Damage, plots: bool) -> str:
    """Report on ``what`` in ``folder`` as the command would and judge what came out; returns the kind of outcome."""
    run, out = folder / "run", folder / "out"
    for path in (run, out):
        shutil.rmtree(path, ignore_errors=True)
    run.mkdir()
    (run / "cells.jsonl").write_bytes(what.cells)
    (run / "run.json").write_bytes(what.settings)
    (run / "checkpoint.jsonl").write_bytes(b"\xff not ours")
    code, said = report(run, out, plots)
    judge_files(folder, run, out)
    assert all(line.isprintable() and len(line) <= LONGEST_NOTE for line in said), said
    assert what.must_say in "\n".join(said)
    assert said or not what.must_say
    if code == USAGE_ERROR:
        # One bad line never costs the others: only run.json can stop a report.
        assert what.settings != WHOLE.settings
        assert not out.exists()
        assert len(said) == 1
        assert re.match(rf"pointwise-bench report: {re.escape(str(run))}/(run\.json|cells\.jsonl): \S", said[0]), said
        return "error"
    assert code == 0
    matches = [NOTE.fullmatch(line) for line in said]
    assert all(matches), said
    named = [match["said"] for match in matches if match]
    judge_text(out, named)
    judge_lines(what, named, rows_of(out / "timings.csv"))
    if plots:
        for path in (out / "plots").glob("*.svg"):
            ElementTree.fromstring(path.read_bytes())
    return "named" if named else "unharmed"


def judge_files(folder: Path, run: Path, out: Path) -> None:
    """Nothing but the report's own files, and nothing outside its folder."""
    outside = {path for path in folder.rglob("*") if path.is_file() and not path.is_relative_to(out)}
    assert outside == {run / name for name in ("cells.jsonl", "run.json", "checkpoint.jsonl")}
    inside = [path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()]
    assert all(map(WRITTEN.fullmatch, inside)), inside


def judge_text(out: Path, named: list[str]) -> None:
    """Everything that is left out stands on the page and in the summary."""
    page, summary = ((out / name).read_text(encoding="utf-8") for name in ("index.html", "summary.md"))
    items = set(re.findall(r"<li>(.*?)</li>", page))
    bullets = set(summary.splitlines())
    for said in named:
        assert html.escape(said, quote=True) in {
            one.replace("&#34;", "&quot;").replace("&#39;", "&#x27;") for one in items
        }
        assert "- " + " ".join(said.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|") in bullets
    assert "<script>" not in page
    assert not re.search(r"<(script|b)\b", summary)


def judge_lines(what: Damage, named: list[str], rows: list[dict[str, str]]) -> None:
    """Each line is either named, or in the table with the median of its own times; a whole line is never named."""
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
    shown = {(row["backend"], row["problem"], row["threads"]): row for row in rows}
    assert shown.keys() == kept.keys()
    for key, values in kept.items():
        row = shown[key]
        assert row["status"] == values["status"]
        if values["status"] == "ok":
            assert math.isclose(float(row["median_s"]), statistics.median(values["samples_s"]), rel_tol=1e-8)


@pytest.mark.parametrize("first", range(0, TRIALS, BLOCK))
def test_damaged_runs_are_reported_or_refused_in_words(tmp_path: Path, first: int) -> None:
    for number in range(first, min(first + BLOCK, TRIALS)):
        what = damage(number)
        try:
            try_report(tmp_path, what, plots=number % PLOTS_EVERY == 0)
        except Exception as error:
            raise AssertionError(f"damage({number}), {what.what}") from error


def test_an_undamaged_run_names_nothing(tmp_path: Path) -> None:
    assert try_report(tmp_path, WHOLE, plots=True) == "unharmed"


def test_the_same_number_is_the_same_damage() -> None:
    assert [damage(number) for number in range(len(KINDS))] == [damage(number) for number in range(len(KINDS))]


def silent_cells(path: Path) -> Any:
    return CELLS(path)[0], []


def hurried(line: Any) -> Any:
    """The keys, but not how they agree."""
    return object_of(CELL)(line)


def mute(found: RunAnalysis) -> dict[str, Any]:
    return FACTS(found) | {"left_out": ()}


def lenient(values: Any) -> Any:
    return READ({"device": "cpu"} | values | {"threads": int(values["threads"])})


CELLS, FACTS, READ = cells.read_cells, run_page.facts_of, read_cell


@pytest.mark.parametrize(
    ("owner", "name", "planted"),
    [
        (run, "read_cells", silent_cells),
        (cells, "read_cell", hurried),
        (cells, "read_cell", lenient),
        (cells, "read_cell", lambda line: READ({key: line[key] for key in (*line, "news")})),
        (run_page, "facts_of", mute),
        (run_page, "_slug", lambda name: name.lstrip("/")),
        (cells, "Defect", KeyError),
    ],
    ids=[
        "lines dropped in silence",
        "no relations",
        "types converted",
        "whole lines refused",
        "page mute",
        "paths",
        "loose",
    ],
)
def test_a_planted_fault_of_the_report_is_caught(tmp_path: Path, owner: Any, name: str, planted: Any) -> None:
    with mock.patch.object(owner, name, planted), pytest.raises((Exception, SystemExit)):
        for number in range(4 * len(KINDS)):
            # A wrong path shows only where a plot is drawn for an odd name.
            plots = name == "_slug" and KINDS[number % len(KINDS)].__name__ == "_odd_names_everywhere"
            try_report(tmp_path, damage(number), plots)
