"""Templates: what a name can hold without becoming a tag, a column or a line of its own."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings, strategies as st
from jinja2 import UndefinedError

from pointwise_bench.report.pages.rendering import in_markdown, render
from pointwise_bench.report.pages.stated_rules import stated_rules


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("a|b", "a&#124;b"),
        (r"a\|b", "a&#92;&#124;b"),
        ("[here](x)", "[here&#93;(x)"),
        ("![](x) [a][b]", "![&#93;(x) [a&#93;[b]"),
        ("[a]: x", "[a&#93;: x"),
        ("2.00 times [1.98, 2.02] ahead", "2.00 times [1.98, 2.02] ahead"),
        ("see HTTPS://a.b/c or www.d.e", "see HTTPS&#58;//a.b/c or www&#46;d.e"),
        ("`code`", "&#96;code&#96;"),
        ("<b> & </b>", "&lt;b> &amp; &lt;/b>"),
        ("two\nlines\t and  gaps", "two lines and gaps"),
        (5, "5"),
    ],
)
def test_text_in_ain_markdown_table_is_one_cell(text: object, safe: str) -> None:
    assert in_markdown(text) == safe


# 200 examples of any text, with the four characters that matter drawn often.
@settings(max_examples=200, deadline=None)
@given(st.lists(st.characters() | st.sampled_from([*"|<&\n\\[](:`", "://", "www."])).map("".join))
def test_no_text_opens_a_tag_a_column_or_a_line(text: str) -> None:
    safe = in_markdown(text)
    assert "\n" not in safe
    assert "<" not in safe
    assert not set("|\\`") & set(safe)
    assert not re.search(r"\][(\[:]|://|www\.", safe)
    assert html.unescape(safe) == " ".join(text.split())  # nothing of the text is lost


def test_a_page_without_a_run_is_a_page_and_names_the_markers_from_the_code() -> None:
    page = render("index.html", runs=[], across=[])
    assert page.startswith("<!doctype html>")
    assert "0 runs" in page
    assert "How to read this" in render("method.html", rules=stated_rules([]))


def test_a_value_that_a_template_needs_and_lacks_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError, match="'runs' is undefined"):
        render("index.html")
