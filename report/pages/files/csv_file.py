"""A table as a file in CSV, in which no text is computed by whatever opens it."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

COMPUTED: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a formula can begin with, in one spreadsheet or another."""

# With its sign, its unit and all: "-0.5 %", "+1.2", "-3.4e-05". There is no operator in it that could be computed.
_NUMBER: Final = re.compile(r"[+-]?[0-9][0-9.,]*(e[+-]?[0-9]+)?( %)?")


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
            lines = csv.writer(file)  # with the line ends of RFC 4180, so that others within a text are quoted
            lines.writerow([harmless(column) for column in self.columns])
            lines.writerows([_written(value) for value in row] for row in self.rows)


def write_frames(tables: Sequence[pd.DataFrame], columns: Sequence[str], path: Path) -> None:
    """The ``columns`` of all ``tables``, one below the other."""
    # Empty tables are left out: pandas would let their missing types change those of the others.
    filled = [table for table in tables if len(table)] or list(tables[:1])
    # Nine digits hold every nanosecond of a second-long call and keep the file a third of the size.
    table = pd.concat(filled)[list(columns)]
    for name in [name for name in columns if not pd.api.types.is_numeric_dtype(table[name])]:
        # Of texts few are different, and numbers are none: looked at one by one they took as long as the writing.
        table[name] = table[name].map({one: harmless(one) for one in table[name].unique()}, na_action="ignore")
    table.to_csv(path, index=False, float_format="%.9g")


def harmless(cell: object) -> object:
    """A text that a spreadsheet would compute, with the apostrophe in front that makes it one; all else as it is."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(COMPUTED) else cell


def _written(value: object) -> object:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.9g}"
    if value is None or value is pd.NA:
        return ""
    # What a page shows is text, its numbers included.
    return value if isinstance(value, str) and _NUMBER.fullmatch(value) else harmless(value)
