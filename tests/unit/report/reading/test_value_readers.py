"""Readers of one JSON value: what they let pass, at both ends of each range, and the sentence for what they do not."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import pytest
from corruptions import ANYTHING, Raw
from hypothesis import given, settings, strategies as st

from pointwise_bench.backends.problem import Problem
from pointwise_bench.report.reading.value_readers import (
    MOST,
    Defect,
    KeyRule,
    Reader,
    counts,
    distinct,
    duration,
    durations,
    list_of,
    mapping_of,
    name,
    number,
    object_of,
    one_of,
    or_null,
    pair,
    plain,
    problem,
    shown,
    text,
    visible,
    whole,
    yes_or_no,
)

SECONDS = "a positive finite number of seconds"


def defect_of(read: Reader, value: Any) -> str:
    """The sentence with which ``read`` refuses ``value``."""
    with pytest.raises(Defect) as caught:
        read(value)
    return str(caught.value)


@pytest.mark.parametrize(
    "control", [*map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x61C))]
)
def test_what_turns_the_direction_of_a_text_is_shown_and_turns_nothing(control: str) -> None:
    escape = control.encode("unicode_escape").decode()
    assert name()(f"a{control}b") == visible(f"a{control}b") == f"a{escape}b"


def test_texts_that_run_from_right_to_left_are_texts_like_any() -> None:
    assert name()("שלום") == visible("שלום") == "שלום"


# --- values shown -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text_", "seen"),
    [
        ("a\nb\t c", "a b c"),
        ("a\0b\x1b[31m", r"a\x00b\x1b[31m"),
        ("\ud800", r"\ud800"),
        ("a\u2028b", "a b"),
        ("\ufffe", r"\ufffe"),
        ("  déjà  ", "déjà"),
        ("a\u202eb\u2066c\u200fd", r"a\u202eb\u2066c\u200fd"),
    ],
)
def test_what_would_break_a_line_is_made_visible(text_: str, seen: str) -> None:
    assert visible(text_) == seen


def test_an_endless_text_is_cut_and_its_length_said() -> None:
    assert visible("x" * 2000) == "x" * 2000
    assert visible("x" * 2001) == "x" * 2000 + "... (2,001 characters)"


# 300 examples of all of Unicode, surrogates with it: what is unprintable is a small part of it, so it is drawn often.
@settings(max_examples=300, deadline=None)
@given(
    st.text(
        st.characters()
        | st.sampled_from("\n\r\0\x1b\x85\u2028\u2029\ufffe\uffff")
        | st.characters(categories=["Cs", "Cc"])
    )
)
def test_a_visible_text_is_one_line_that_a_file_in_utf_8_holds(value: str) -> None:
    seen = visible(value)
    assert len(seen.splitlines()) <= 1
    seen.encode("utf-8")
    assert visible(seen) == seen


@pytest.mark.parametrize(
    "value", [one for one in ANYTHING if not isinstance(one, Raw)], ids=lambda one: ascii(one)[:20]
)
def test_any_value_is_shown_on_one_short_line(value: Any) -> None:
    assert len(shown(value)) <= 100
    assert "\n" not in shown(value)


# --- one value ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "passes", "fails"),
    [
        (whole(1, 9), [1, 9], [0, 10, 1.0, True, "1", None, math.nan]),
        (number(0, 2.5, "x"), [0, 2.5, 1], [-1e-9, 2.6, math.nan, True, "1", None]),
        (number(0, math.inf, "x"), [math.inf], [math.nan, -math.inf]),
        (duration, [1e-9, 1, 1e6], [0, -1, 0.99e-9, 1.01e6, math.inf, math.nan, True, "1", 10**400]),
        (name(), ["a", "x" * 200, "日本"], ["", "x" * 201, "a\nb", "\ud800", "\ufffe", 5, None]),
        (name(0), [""], [None]),
        (one_of(("hot", "cold")), ["hot", "cold"], ["", "Hot", 5, None, ["hot"]]),
        (list_of(whole(0)), [[], [0, 5]], [{}, "x", 5, None]),
        (distinct(list_of(whole(0))), [[], [0, 5]], [[1, 1]]),
        (or_null(whole(0)), [None, 5], [-1]),
        (text, ["", "a"], [5, None, ["a"]]),
        (yes_or_no, [True, False], [1, 0, "yes", None, []]),
    ],
    ids=[
        "whole",
        "number",
        "infinite",
        "duration",
        "name",
        "empty name",
        "one_of",
        "list",
        "distinct",
        "null",
        "text",
        "yes",
    ],
)
def test_the_ends_of_a_range_pass_and_what_lies_beyond_does_not(
    read: Reader, passes: list[Any], fails: list[Any]
) -> None:
    assert [read(value) for value in passes] == passes
    for value in fails:
        assert defect_of(read, value)


def test_a_number_is_read_as_a_float_and_a_whole_one_as_it_is() -> None:
    assert type(number(0, 9, "x")(1)) is float
    assert type(duration(1)) is float
    assert type(whole(0)(MOST)) is int


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (durations, [1e-3] * 50_001),
        (durations, ["no time"] * 50_001),
        (counts, [1] * 50_001),
        (list_of(whole(0)), [1] * 100_001),
        (mapping_of(whole(0)), dict.fromkeys(map(str, range(100_001)), 1)),
    ],
    ids=["durations", "anything", "counts", "list", "object"],
)
def test_what_has_more_entries_than_any_of_a_run_is_refused_by_their_number(read: Reader, value: Any) -> None:
    most = 100_000 if len(value) > 100_000 else 50_000
    assert defect_of(read, value) == f"has {most + 1:,} entries, and no run has over {most:,} there"
    fits = dict(list(value.items())[1:]) if isinstance(value, dict) else value[1:]
    if "no time" not in fits:
        assert len(read(fits)) == most


class Asked(int):
    """A number that counts how often it is held against another."""

    times = 0

    def __eq__(self, other: object) -> bool:
        Asked.times += 1
        return int(self) == other

    __hash__ = int.__hash__


@pytest.mark.parametrize("twice", [0, 20_000, 39_998])
def test_an_entry_that_comes_twice_is_found_in_a_look_at_each(twice: int) -> None:
    """Through a list that was searched once for each of its entries it had been 800 million, and took minutes."""
    Asked.times = 0
    entries = [Asked(one) for one in range(39_999)]
    assert defect_of(distinct(lambda value: value), [*entries, Asked(twice)]) == f"holds {twice} twice"
    assert Asked.times < 1_000


def test_a_text_is_made_visible_and_not_refused() -> None:
    assert text("a\0\nb") == r"a\x00 b"


@pytest.mark.parametrize(
    ("read", "value", "said"),
    [
        (whole(1, 65_536), True, "is True, not a whole number from 1 to 65,536"),
        (duration, 0, f"is 0, not {SECONDS}"),
        (duration, 2e6, "is 2e+06 s, which is implausible: a call takes from 1e-09 to 1e+06 s"),
        (duration, 10**400, "which is implausible"),
        (name(), "x" * 300, "not a name of 1 to 200 characters (it has 300)"),
        (name(), "a\nb", r"is 'a\nb', not a name of printable characters"),
        (one_of(("hot", "cold")), "warm", "is 'warm', not one of hot, cold"),
        (yes_or_no, 1, "is 1, not true or false"),
        (list_of(duration), [1.0, "x"], f"[1] is 'x', not {SECONDS}"),
        (distinct(list_of(whole(0))), [4, 7, 4], "holds 4 twice"),
        (pair(whole(1), duration, "a pair"), [1], "is [1], not a pair"),
        (pair(whole(1), duration, "a pair"), [0, 1.0], "[0] is 0, not a whole number"),
        (mapping_of(duration), {"a": 0}, f"a is 0, not {SECONDS}"),
        (mapping_of(duration), {"": 1}, "not a name of 1 to 200"),
        (mapping_of(list_of(duration)), {"a": [0]}, f"a[0] is 0, not {SECONDS}"),
    ],
)
def test_a_refusal_says_what_it_got_and_what_it_wanted(read: Reader, value: Any, said: str) -> None:
    assert said in defect_of(read, value)


# --- problems -----------------------------------------------------------------------------------------------------


def test_a_problem_is_read_by_its_id() -> None:
    assert problem("n1c64h28w28-o128") == Problem(batch=1, in_channels=64, out_channels=128, height=28, width=28)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (5, "not the id of a problem"),
        ("n1c64h28w28-o128-s1", "is not canonical"),
        (f"n1c{2**40}h1w1-o1", None),
        (f"n1c{2**40 + 1}h1w1-o1", "a size is over 2**40"),
        # Input and weight have c elements each: with an output of one, 4 * (2 * c + 1) bytes.
        (f"n1c{2**40}h{2**17}w1-o1", None),
        (f"n1c{2**40}h{2**18}w1-o1", "its arrays are over 2**60 bytes"),
    ],
)
def test_a_problem_is_of_a_size_that_a_machine_can_have(value: object, said: str | None) -> None:
    if said is None:
        problem(value)
    else:
        assert said in defect_of(problem, value)


# --- objects ------------------------------------------------------------------------------------------------------

TABLE = {"needed": KeyRule(whole(0)), "optional": KeyRule(duration, 7.0), "inner": KeyRule(list_of(whole(0)), ())}


def test_an_object_has_all_keys_of_its_table_and_no_other() -> None:
    assert object_of(TABLE)({"needed": 1, "news": [{}]}) == {"needed": 1, "optional": 7.0, "inner": ()}
    assert object_of(TABLE)({"needed": 1, "optional": None, "inner": [2]}) == {
        "needed": 1,
        "optional": 7.0,
        "inner": [2],
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([], "is [], not an object"),
        ({}, "needed is missing"),
        ({"needed": None}, "needed is None, not a whole number"),
        ({"needed": 1, "optional": 0}, f"optional is 0, not {SECONDS}"),
        ({"needed": 1, "inner": [0, -1]}, "inner[1] is -1, not a whole number"),
    ],
)
def test_a_defect_names_the_way_to_the_value(values: Any, said: str) -> None:
    assert defect_of(object_of(TABLE), values).startswith(said)


def test_a_defect_seen_from_outside_names_every_step() -> None:
    defect = Defect("is 5, not a list").under("[3]").under("bandwidth").under("[0]").under("ceilings")
    assert str(defect) == "ceilings[0].bandwidth[3] is 5, not a list"


def test_facts_of_any_kind_are_kept_eight_levels_deep() -> None:
    deep: Any = "a\nb"
    for _ in range(8):
        deep = [deep]
    assert json.dumps(plain(deep)) == "[" * 8 + '"a b"' + "]" * 8
    assert "nested deeper than 8 levels" in defect_of(plain, [deep])
    assert plain({"a\0": {"b": 1.5}}) == {r"a\x00": {"b": 1.5}}


ODD: Final[st.SearchStrategy[Any]] = st.sampled_from(
    [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e-10, 1e7, 1e308, True, 1, 0, -1, 2**60, None, "1", []]
)


# 300 lists of each kind: half of them have one of sixteen odd values somewhere among good ones.
@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.floats(1e-9, 1e6), ODD)), st.lists(st.one_of(st.integers(0, 2**53), ODD)))
def test_a_list_that_is_looked_at_as_a_whole_is_judged_as_entry_by_entry(
    seconds: list[Any], numbers: list[Any]
) -> None:
    for together, one_by_one, value in (
        (durations, list_of(duration), seconds),
        (durations, list_of(duration), [one for one in seconds if type(one) is float]),
        (counts, list_of(whole(0)), numbers),
        (counts, list_of(whole(0)), [one for one in numbers if type(one) is int]),
    ):
        assert outcome(together, value) == outcome(one_by_one, value)


def outcome(read: Reader, value: Any) -> Any:
    """What is read, or the sentence that refuses it."""
    try:
        return read(value)
    except Defect as defect:
        return str(defect)
