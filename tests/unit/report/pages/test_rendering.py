"""Templates: what a name can hold without becoming a tag, a column or a line of its own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from jinja2 import UndefinedError

from pointwise_bench.report.pages.rendering import _markdown, render
from pointwise_bench.report.pages.stated_rules import stated_rules


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("a|b", r"a\|b"),
        ("<b> & </b>", "&lt;b> &amp; &lt;/b>"),
        ("two\nlines\t and  gaps", "two lines and gaps"),
        (5, "5"),
    ],
)
def test_text_in_a_markdown_table_is_one_cell(text: object, safe: str) -> None:
    assert _markdown(text) == safe


# 200 examples of any text, with the four characters that matter drawn often.
@settings(max_examples=200, deadline=None)
@given(st.text(st.characters() | st.sampled_from("|<&\n")))
def test_no_text_opens_a_tag_a_column_or_a_line(text: str) -> None:
    safe = _markdown(text)
    assert "\n" not in safe
    assert "<" not in safe
    assert "|" not in safe.replace(r"\|", "")


def test_a_page_without_a_run_is_a_page_and_names_the_markers_from_the_code() -> None:
    page = render("index.html", runs=[], rules=stated_rules([]))
    assert page.startswith("<!doctype html>")
    assert "How to read this" in page


def test_a_value_that_a_template_needs_and_lacks_is_an_error_and_no_gap() -> None:
    with pytest.raises(UndefinedError, match="'runs' is undefined"):
        render("index.html")
