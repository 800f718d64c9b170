"""A table as a file in CSV, in which no text is computed by whatever opens it."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd

from pointwise_bench.report.analysis.series import values_of

COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a formula can begin with, in one spreadsheet or another."""

_FIRST: Final = frozenset(COMPUTED)

# With its sign, its unit and all: "-0.5 %", "+1.2", "-3.4e-05". There is no operator in it that could be computed.
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.,]*(e[+-]?[0-9]+)?( %)?")


_AT_ONCE: Final = 20_000
"""Rows of a table as texts, which take ten times the memory of its numbers."""

_QUOTED_IN: Final = re.compile(r'["\r\n]')
"""Together with a comma in a text: what the csv module writes between quotes."""


@dataclass(frozen=True)
class CsvFile:
    """One table: its name in the folder of the report, its columns, and its rows in the columns' order."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[object]]

    def write(self, folder: Path) -> None:
        """Into ``folder``; floats with nine digits, nothing for what is not known."""
        path = folder / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="", encoding="utf-8") as file:
            file.write(_line([str(harmless(column)) for column in self.columns]))
            file.writelines(
                _line([value if type(value) is str and value[:1] not in _FIRST else _written(value) for value in row])
                for row in self.rows
            )


def _line(texts: Sequence[str]) -> str:
    """With the line end of RFC 4180, so that others within a text are quoted.

    The csv module looks at every character of every text and takes ten times as long: it is asked about the few rows
    in which it would quote something.
    """
    line = ",".join(texts)
    if line and line.count(",") == len(texts) - 1 and not _QUOTED_IN.search(line):
        return f"{line}\r\n"
    return _by_the_csv_module(texts, "\r\n")


def _by_the_csv_module(texts: Sequence[str], end: str) -> str:
    line = io.StringIO(newline="")
    csv.writer(line, lineterminator=end).writerow(texts)
    return line.getvalue()


def write_frames(tables: Sequence[pd.DataFrame], columns: Sequence[str], path: Path) -> None:
    """The ``columns`` of all ``tables``, one below the other."""
    filled = [table for table in tables if len(table)]
    with path.open("w", encoding="utf-8", newline="") as file:
        # pandas' own to_csv takes several times as long: it looks at the texts one by one, of which few are different.
        file.write(f"{','.join(columns)}\n")
        for table in filled:
            for start in range(0, len(table), _AT_ONCE):
                part = table.iloc[start : start + _AT_ONCE]
                lines = map(",".join, zip(*(_texts(part[name]) for name in columns), strict=True))
                file.writelines(f"{line}\n" for line in lines)


def _texts(column: pd.Series[Any]) -> list[str]:
    """What a file holds of a column, quoted where that is needed; empty where there is nothing.

    Nine digits hold every nanosecond of a second-long call and keep the file a third of the size.
    """
    values = values_of(column)
    if pd.api.types.is_float_dtype(column):
        return ["" if math.isnan(value) else f"{value:.9g}" for value in values]
    if pd.api.types.is_numeric_dtype(column):
        known = {value: "" if value is pd.NA else str(value) for value in set(values)}
    else:
        known = {value: "" if pd.isna(value) else _field(str(harmless(value))) for value in set(values)}
    return [known[value] for value in values]


def _field(text: str) -> str:
    """A text as one of several fields of a line that ends with a line feed."""
    return _by_the_csv_module(["", text], "\n")[1:-1]


def harmless(cell: object) -> object:
    """A text that a spreadsheet would compute, with the apostrophe in front that makes it one; all else as it is."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(COMPUTED) else cell


def _written(value: object) -> str:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    if value is None or value is pd.NA:
        return ""
    # What a page shows is text, its numbers included.
    if isinstance(value, str) and value.startswith(COMPUTED) and _NUMBER.fullmatch(value):
        return value
    return str(harmless(value))
