"""The tables of a page, taken from it as it is written: each becomes a file in CSV, and the page links to it.

So no page can have a table that cannot be downloaded, and none whose file says something else. Whoever would have a
list of columns beside each template instead would have to keep the two in step.

A template may say on a ``<table>``:

* ``data-csv="backends"``: the name of the file; without it a number. Tables of one name are one file, if their
  columns are the same.
* ``data-of="conv1"``: what this one of several such tables is about, the first column of all its rows.
* ``data-in="layers-a.csv"``: that this file, to which the page links elsewhere, holds all of it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pointwise_bench.report.pages.files.csv_file import CsvFile

FOLDER: Final = "tables"
OF: Final = "of"
"""The column of what ``data-of`` says."""

# Our templates escape every text, so that each "<" and ">" of a page is a tag's. An HTML parser, which needs no such
# promise, takes twenty times as long, and there are pages of three megabytes.
_TABLE: Final = re.compile(r"<table([^>]*)>")
_SCROLLED: Final = re.compile(r'<div class="scroll"[^>]*>\Z')
_LONGEST_TAG: Final = 200
# Up to the end of the cell from tag to tag: a lazy ".*?" would try every character, and takes twice as long.
_CELL: Final = re.compile(r"<t[hd]([^>]*)>([^<]*(?:<(?!/t[hd]>)[^<]*)*)</t[hd]>")
_ATTRIBUTE: Final = re.compile(r'([a-z-]+)="([^"]*)"')
_UNSEEN: Final = re.compile(r"<title>.*?</title>", re.DOTALL)
# In a cell these begin a line of their own, and so part words.
_BLOCK: Final = re.compile(r"<(?:code|br|li|svg|p)\b[^>]*>")
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass
class _Found:
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)


def with_tables(text: str, stem: str) -> tuple[str, list[CsvFile]]:
    """The page with a link above each table, and the files that those lead to; ``stem`` is what their names begin with.

    ``text`` is a rendered template; the page keeps every byte that it had.
    """
    found: dict[str, _Found] = {}
    pieces, done = [], 0
    for match in _TABLE.finditer(text):
        attributes = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(match[1])}
        content = "" if "data-in" in attributes else text[match.end() : text.index("</table>", match.end())]
        rows = list(_rows(content))
        if not rows:
            continue
        about = [attributes["data-of"]] if "data-of" in attributes else []
        name = _place(found, attributes.get("data-csv", str(len(found) + 1)), [*([OF] * len(about)), *rows[0]])
        found[name].rows += [[*about, *row] for row in rows[1:]]
        # The link stands before what the table is moved in. Looked for backwards: an optional tag at the beginning of
        # the pattern would be tried at every place of a page of megabytes.
        scrolled = _SCROLLED.search(text[max(done, match.start() - _LONGEST_TAG) : match.start()])
        start = match.start() - len(scrolled[0]) if scrolled else match.start()
        pieces += [text[done:start], f'<p class="csv"><a href="{FOLDER}/{stem}-{name}.csv" download>CSV</a></p>']
        done = start
    linked = "".join([*pieces, text[done:]])
    return linked, [CsvFile(f"{FOLDER}/{stem}-{name}.csv", one.columns, one.rows) for name, one in found.items()]


def _place(found: dict[str, _Found], wanted: str, columns: list[str]) -> str:
    """The name of the file for a table of these columns: another one where the name is taken by other columns."""
    name, attempt = wanted, 1
    while found.setdefault(name, _Found(columns)).columns != columns:
        attempt += 1
        name = f"{wanted}-{attempt}"
    return name


def _rows(table: str) -> Iterator[list[str]]:
    """The texts of its cells; the first row are the names of the columns, numbered where the table has no head."""
    headless = "<thead" not in table
    for part in table.split("</tr>")[:-1]:
        _, _, row = part.partition("<tr")
        cells: list[str] = []
        for attributes, content in _CELL.findall(row):
            cells.append(_text(content))
            if "colspan" in attributes:  # as in few of tens of thousands of cells
                said = dict(_ATTRIBUTE.findall(attributes))
                cells += [""] * (int(said.get("colspan", "1")) - 1)
        if headless:
            yield [str(number) for number in range(1, len(cells) + 1)]
            headless = False
        yield cells


def _text(content: str) -> str:
    if "<" not in content:
        return html.unescape(content).strip()
    return html.unescape(_TAG.sub("", _BLOCK.sub(" ", _UNSEEN.sub("", content)))).strip()
