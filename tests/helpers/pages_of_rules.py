"""The pages that state rules: their sentences, without markup."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Final

from pointwise_bench.report import pages
from pointwise_bench.report.pages.rendering import render
from pointwise_bench.report.pages.stated_rules import StatedRules

TEMPLATES: Final = Path(pages.__file__).parent / "templates"


def plain(text: str) -> str:
    """The text of a page without its markup, on one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", text)).split())


def sentences(page: str) -> dict[str, str]:
    """The items of the list of rules, by their id."""
    return {name: plain(text) for name, text in re.findall(r'<li id="([\w-]+)">(.*?)</li>', page, re.DOTALL)}


def both_pages(rules: StatedRules) -> dict[str, str]:
    """All rules of the two pages."""
    return sentences(render("method.html", rules=rules)) | sentences(render("claims.html", runs=[], rules=rules))
