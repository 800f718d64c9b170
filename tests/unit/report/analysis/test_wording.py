"""Numbers in words, against strings written by hand; and rounding that never leaves the third digit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings, strategies as st

from pointwise_bench.report.analysis.wording import (
    DASH,
    duration,
    first_of,
    joined,
    memory,
    moment,
    threads_of,
    three_digits,
    times,
    unit_for,
)

CROSS = "\N{MULTIPLICATION SIGN}"
MICRO = "\N{MICRO SIGN}"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1234.4, "1,234"),
        (999.6, "1,000"),
        (9.996, "10.0"),
        (99.96, "100"),
        (-9.996, "-10.0"),
        (0.09996, "0.100"),
        (0.9996, "1.00"),
        (123456.0, "123,456"),
        (123.4, "123"),
        (12.34, "12.3"),
        (1.234, "1.23"),
        (0.1234, "0.123"),
        (0.01234, "0.0123"),
        (0.0001234, "0.000123"),
        (1e-9, "0.000000"),
        (-12.34, "-12.3"),
        (999e12, "999,000,000,000,000"),
        (1e15, "1.00e+15"),
        (math.inf, "∞"),
        (math.nan, DASH),
    ],
)
def test_three_digits(value: float, text: str) -> None:
    assert three_digits(value) == text


# 200 examples over 18 powers of ten, about ten in each: an off-by-one in the number of decimals is wrong by a factor of
# ten in the error of every one of them.
@settings(max_examples=200, deadline=None)
@given(st.floats(min_value=1e-4, max_value=1e14))
def test_three_digits_keep_the_value_within_half_a_unit_of_the_third(value: float) -> None:
    text = three_digits(value)
    unit = 10.0 ** (math.floor(math.log10(value)) - 2)
    assert abs(float(text.replace(",", "")) - value) <= 0.5001 * max(unit, 1e-6)
    digits = text.replace(".", "").replace(",", "").lstrip("0")
    assert len(digits) <= 3 or value >= 999.5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (90.0, "90.0 s"),
        (1.0, "1.00 s"),
        (0.9994, "999 ms"),
        (0.9996, "1.00 s"),
        (0.001, "1.00 ms"),
        (0.000999, f"999 {MICRO}s"),
        (2.5e-7, f"0.250 {MICRO}s"),
        (math.nan, DASH),
    ],
)
def test_a_duration_has_its_own_unit(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "unit"),
    [
        ([0.5, 1e-3], ("ms", 1e3)),
        ([0.5, 0.9e-3], (f"{MICRO}s", 1e6)),
        ([0.5, 0.0], ("ms", 1e3)),
        ([], ("ms", 1e3)),
    ],
    ids=["all long", "one short", "zero is no time", "none"],
)
def test_the_unit_of_a_column_is_that_of_its_shortest(seconds: list[float], unit: tuple[str, float]) -> None:
    assert unit_for(seconds) == unit


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ((1.5,), f"1.50{CROSS}"),
        ((1.424, 1.386, 1.451), f"1.42{CROSS} [1.39, 1.45]"),
        ((0.05, 0.04, 12.0), f"0.0500{CROSS} [0.0400, 12.0]"),
        ((9.994, 0.1, 10.0), f"9.99{CROSS} [0.10, 10.0]"),
        ((math.nan, 1.0, 2.0), DASH),
    ],
)
def test_a_ratio_has_two_decimals_and_its_interval(numbers: tuple[float, ...], text: str) -> None:
    assert times(*numbers) == text


def test_memory_is_in_mebibytes() -> None:
    assert memory(3 * 2**20) == "3.00 MiB"
    assert memory(math.nan) == DASH


def test_one_thread_is_singular() -> None:
    assert [threads_of(count) for count in (1, 2, 16)] == ["1 thread", "2 threads", "16 threads"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-01-02T03:04:05Z", "2026-01-02 03:04 UTC"),
        ("2026-11-29T13:21:51.574+00:00", "2026-11-29 13:21 UTC"),
        ("2026-01-02T01:04:05+02:00", "2026-01-01 23:04 UTC"),
        ("2026-01-02T03-04-05Z", "2026-01-02T03-04-05Z"),
        ("2026-01-02", "2026-01-02"),
        ("0001-01-01T00:00:00+02:00", "0001-01-01T00:00:00+02:00"),
        ("<b>", "<b>"),
        ("", ""),
    ],
)
def test_a_moment_is_told_to_the_minute_and_what_is_none_as_it_is(text: str, said: str) -> None:
    assert moment(text) == said


def test_of_many_names_the_first_few_are_told_and_how_many_more() -> None:
    assert [first_of(list("abc"), most) for most in (1, 2, 3, 4)] == [
        "a and 2 more",
        "a, b and 1 more",
        "a, b and c",
        "a, b and c",
    ]


def test_names_are_joined_as_in_a_sentence() -> None:
    assert [joined(names) for names in (["a"], ["a", "b"], ["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
