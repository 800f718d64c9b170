"""The templates of the page and its companions, with the filters that they use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from pointwise_bench.common.status import OK
from pointwise_bench.common.verdict_rule import MARGIN
from pointwise_bench.report.analysis.wording import DASH, duration, moment, threads_of, times
from pointwise_bench.report.claims.claim_tables import MEASURES
from pointwise_bench.report.pages.files.csv_file import CsvFile
from pointwise_bench.report.pages.files.page_tables import with_tables
from pointwise_bench.report.pages.layer_table import IN_PROCESS_MARK, REUSED_MARK, UNCLEAR_MARK

SIGNS: Final[Mapping[str, tuple[str, str]]] = {
    "fastest": ("★", "fastest"),
    "ahead": ("☆", "ahead so far"),
    "same": ("=", f"equal within {100 * MARGIN:g} %"),
    "undecided": ("?", "not enough evidence"),
    "slower": ("▼", "slower"),
    "": (DASH, "not compared"),
}
"""How a backend stands to the fastest, as a glyph and in words: told apart without colour, and without the glyph.

``ahead`` is the fastest where somebody else could be it: see :func:`shown_sign`.
"""

_REFERENCES: Final = {ord("&"): "&amp;", ord("<"): "&lt;"} | {ord(char): f"&#{ord(char)};" for char in "|\\`"}
_LINKS: Final = re.compile(r"\](?=[(\[:])|[a-z]*://|www\.", re.IGNORECASE)
"""What makes a link of the text around it; of a bare address only in some renderers."""


@dataclass(frozen=True)
class Page:
    """One file of a report: its name there, its template, what fills that, and the tables ``beside`` it.

    A page's own tables need not be named: whatever table a page has can be had as CSV.
    """

    name: str
    template: str
    values: Mapping[str, Any]
    beside: tuple[CsvFile, ...] = ()

    def write(self, folder: Path) -> None:
        """Into ``folder``."""
        text = render(self.template, **self.values)
        tables: list[CsvFile] = []
        if self.name.endswith(".html"):
            text, tables = with_tables(text, self.name.removesuffix(".html"))
        folder.mkdir(parents=True, exist_ok=True)
        (folder / self.name).write_text(text, encoding="utf-8")
        for table in (*tables, *self.beside):
            table.write(folder)


def render(template: str, **values: object) -> str:
    """The text of ``template``, a file of the folder ``templates``, with ``values``."""
    return _templates().get_template(template).render(**values)


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"REUSED": REUSED_MARK, "IN_PROCESS": IN_PROCESS_MARK, "UNCLEAR": UNCLEAR_MARK}
    environment.globals |= {"SIGNS": SIGNS, "MEASURES": MEASURES, "OK": OK}
    environment.filters |= {"markdown": in_markdown, "threads": threads_of, "times": times, "duration": duration}
    environment.filters["moment"] = moment
    return environment


def in_markdown(text: object) -> str:
    """Text safe inside a cell of a Markdown table: no column, line, tag, link, picture or code of its own.

    As references and not behind backslashes: a table splits its cells before it looks at those.
    """
    plain = " ".join(str(text).split())
    return _LINKS.sub(_as_references, plain.translate(_REFERENCES))


def _as_references(found: re.Match[str]) -> str:
    return "".join(char if char.isalnum() or char == "/" else f"&#{ord(char)};" for char in found[0])
