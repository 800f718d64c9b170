"""Text of a plugin on one line: what may not be printed, and how much is too much."""

from __future__ import annotations

import pytest

from pointwise_bench.suites.harness.record.text import LONGEST_REASON, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("", ""),
        (" \n\t ", ""),
        ("two\nlines\r\nand a tab\there", "two lines and a tab here"),
        ("\x1b[31mred\x1b[0m", "[31mred [0m"),  # the escape is gone, and with it the colour
        ("a\0b", "a b"),
        ("right-to-left \u202e override", "right-to-left override"),
        ("\u00e4 \U0001f600 \u65e5", "\u00e4 \U0001f600 \u65e5"),
        ("half \ud800 of a pair", "half ? of a pair"),
    ],
)
def test_what_cannot_be_printed_becomes_one_space(text: str, line: str) -> None:
    assert one_line(text) == line
    line.encode()  # which half a character would not survive


def test_a_text_as_long_as_allowed_stays_and_a_longer_one_ends_in_dots() -> None:
    assert one_line("x" * 10, longest=10) == "x" * 10
    assert one_line("x" * 11, longest=10) == "x" * 7 + "..."
    assert len(one_line("x" * 10**6)) == LONGEST_REASON
