"""A table as CSV: no text of it is computed, none is lost, and its numbers are numbers."""

from __future__ import annotations

import csv
import io
import itertools
import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from pointwise_bench.report.pages.files import csv_file
from pointwise_bench.report.pages.files.csv_file import COMPUTED, CsvFile, harmless, write_frames


def read(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


@pytest.mark.parametrize("text", ["-0.5 %", "+1.2", "-3.4e-05", "1,234", "12 %"])
def test_a_number_with_its_sign_and_unit_stays_one(text: str, tmp_path: Path) -> None:
    CsvFile("a.csv", ["x"], [[text]]).write(tmp_path)
    assert read(tmp_path / "a.csv") == [["x"], [text]]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-1-1", "-2+3 %", "@SUM(1)", "\t=1", "\r=1", "-A1", "+1%2", "- 1", "-"]
)
def test_what_a_spreadsheet_would_compute_has_an_apostrophe_in_front(text: str, tmp_path: Path) -> None:
    CsvFile("a.csv", [text], [[text]]).write(tmp_path)
    assert read(tmp_path / "a.csv") == [[f"'{text}"], [f"'{text}"]]


def test_what_is_not_known_is_empty_and_floats_have_nine_digits(tmp_path: Path) -> None:
    values = [math.nan, None, pd.NA, 1.23456789123e-3, 7, "seven", 'two\nlines, and a "quote"']
    CsvFile("deep/a.csv", list("abcdefg"), [values]).write(tmp_path)
    assert read(tmp_path / "deep/a.csv")[1] == ["", "", "", "0.00123456789", "7", *values[5:]]


@pytest.mark.parametrize("width", [1, 2])
def test_fields_are_quoted_as_the_csv_module_would(width: int, tmp_path: Path) -> None:
    texts = ["".join(pair) for pair in itertools.product(["", "a", " ", ",", '"', "\n", "\r"], repeat=2)]
    rows = [[*(["1"] * (width - 1)), text if text[:1] != "\r" else f"b{text}"] for text in texts]
    theirs = io.StringIO(newline="")
    csv.writer(theirs).writerows([["x"] * width, *rows])
    CsvFile("a.csv", ["x"] * width, rows).write(tmp_path)
    assert (tmp_path / "a.csv").read_bytes().decode() == theirs.getvalue()


# 200 examples of any text: the first character decides, and those that matter are drawn often.
@settings(max_examples=200, deadline=None)
@given(st.sampled_from(["", *COMPUTED]), st.text(max_size=5))
def test_no_text_begins_like_a_formula_and_none_is_lost(start: str, rest: str) -> None:
    safe = str(harmless(start + rest))
    assert not safe.startswith(COMPUTED)
    assert safe.removeprefix("'" if (start + rest).startswith(COMPUTED) else "") == start + rest


def test_tables_are_written_as_pandas_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Quoted where that is needed, with nine digits, and empty where nothing is known."""
    table = pd.DataFrame(
        {
            "text": ["a,b", 'say "c"', "two\nlines", None, "", "d\re", "plain"],
            "seconds": [1.23456789012e-3, math.nan, math.inf, 0.0, -1e300, 1.0, 12345678912.0],
            "whole": [1, 2, None, 4, 5, 6, 2**53],
            "sure": [True, False] * 3 + [True],
        }
    ).astype({"whole": "Int64"})
    monkeypatch.setattr(csv_file, "_AT_ONCE", 3)
    write_frames([table[:0], table, table[:2]], list(table.columns), tmp_path / "ours.csv")
    pd.concat([table, table[:2]]).to_csv(tmp_path / "theirs.csv", index=False, float_format="%.9g")
    assert (tmp_path / "ours.csv").read_bytes() == (tmp_path / "theirs.csv").read_bytes()
