"""Lines of cells.jsonl and keys of run.json: the sentence for each breach, and what holds where a key is absent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from corruptions import MUST, MUST_SAY, Raw, clean_lines, clean_settings, written
from hypothesis import given, settings, strategies as st
from make_run import cell, run_of

from pointwise_bench.common.status import STATUSES
from pointwise_bench.report.reading.run import Run
from pointwise_bench.report.reading.run_format import CELL, PASS, SETTINGS, key_of, read_cell
from pointwise_bench.report.reading.value_readers import Defect, object_of

KEY = "numpy-matmul n1c8h4w4-o8, 2 threads"


def loaded(tmp_path: Path, **changed: Any) -> Run:
    """A run of two lines, of which the first has other values."""
    line = cell("numpy-matmul", "n1c8h4w4-o8", [1e-3] * 5, threads=2) | changed
    return run_of(tmp_path, [line, cell("other", "n1c8h4w4-o8", [1e-3])])


def line_of(**changed: Any) -> dict[str, Any]:
    """A good line of nine rounds, with other values."""
    good: dict[str, Any] = json.loads(clean_lines()[0])
    return good | changed


# --- lines of cells.jsonl -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"samples_s": [1e-3, 1e-3, 1e-3, "abc", 1e-3]},
            f"line 1 ({KEY}): samples_s[3] is 'abc', not a positive finite number of seconds",
        ),
        (
            {"samples_s": [1e-3, 1e-10]},
            "samples_s[1] is 1e-10 s, which is implausible: a call takes from 1e-09 to 1e+06 s",
        ),
        ({"samples_s": []}, "status is ok, but samples_s has no entry"),
        ({"status": "crashed"}, "status is crashed, but samples_s has 5 entries: only ok has times"),
        ({"status": "fine"}, "status is 'fine', not one of ok, wrong, "),
        ({"process": [0, 0]}, "process has 2 entries, but samples_s has 5: each has one per round"),
        ({"round": [0, 1, 2, 3, 3]}, "round holds 3 twice"),
        ({"threads": True}, "line 1 (numpy-matmul n1c8h4w4-o8): threads is True, not a whole number from 1 to 65,536"),
        ({"backend": ["a"]}, "line 1 (n1c8h4w4-o8, 2 threads): backend is ['a'], not a string"),
        ({"problem": "n1c8"}, "line 1 (numpy-matmul, 2 threads): problem names no problem: id 'n1c8' does not read"),
        ({"problem": f"n1c{2**50}h1w1-o1"}, "which is implausible: a size is over 2**40"),
        ({"problem": f"n1c{2**40}h{2**40}w1-o1"}, "which is implausible: its arrays are over 2**60 bytes"),
        ({"also": [{"count": 0}]}, "also[0].count is 0, not a whole number from 1"),
        ({"group": "x" * 300}, "not a name of 0 to 200 characters (it has 300)"),
        ({"page_faults_per_call": -1}, "page_faults_per_call is -1, not a finite number of at least 0"),
        ({"cache": "warm"}, "cache is 'warm', not one of hot, cold"),
        ({"calls": 0}, "status is ok, but calls is 0, not a whole number of at least 1"),
        (
            {"samples_s": [1e-3] * 50_001},
            f"line 1 ({KEY}): samples_s has 50,001 entries, and no run has over 50,000 there",
        ),
        ({"round": [0] * 50_001}, f"line 1 ({KEY}): round has 50,001 entries, and no run has over 50,000 there"),
        ({"also": [{}] * 100_001}, f"line 1 ({KEY}): also has 100,001 entries, and no run has over 100,000 there"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_breach_has_its_sentence(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    run = loaded(tmp_path, **changed)
    assert [one.backend for one in run.cells] == ["other"]
    (defect,) = run.defects
    assert said in defect


@pytest.mark.parametrize("key", sorted(MUST))
def test_no_value_that_a_key_cannot_have_is_read(key: str) -> None:
    """Every value of the corruptions, each alone; the sentence names the key, or the times where these two disagree."""
    for value in MUST[key]:
        line = json.loads(written(line_of(**{key: value})))
        with pytest.raises(Defect) as caught:
            read_cell(line)
        assert key in str(caught.value), value
        assert str(caught.value).isprintable()


def test_a_good_line_is_read_whole() -> None:
    line = line_of()
    read = read_cell(line)
    assert read.keys() == CELL.keys()
    assert read["problem"].id == line["problem"]
    assert {key: read[key] for key in ("backend", "samples_s", "round", "count", "calls")} == {
        key: line[key] for key in ("backend", "samples_s", "round", "count", "calls")
    }


@pytest.mark.parametrize("key", sorted(key for key in CELL if key not in ("backend", "problem", "threads", "status")))
def test_null_is_as_good_as_absent(key: str) -> None:
    """The times belong to the status: without them it is another one."""
    line = line_of(status="crashed", samples_s=[], device_samples_s=[], canary_s=[], process=[], round=[])
    absent = {one: value for one, value in line.items() if one != key}
    assert read_cell(line | {key: None}) == read_cell(absent)


# 100 examples of one to nine rounds: lengths that agree and lengths that do not, for each of four series.
@settings(max_examples=100, deadline=None)
@given(st.integers(1, 9), st.integers(0, 9), st.sampled_from(["process", "round", "canary_s", "device_samples_s"]))
def test_a_series_has_one_entry_a_round_or_none(rounds: int, entries: int, key: str) -> None:
    series = [1e-3] * entries if key.endswith("_s") else list(range(entries))
    others: dict[str, list[Any]] = {one: [] for one in ("process", "round", "canary_s", "device_samples_s")}
    line = line_of(samples_s=[1e-3] * rounds, **(others | {key: series}))
    if entries in (0, rounds):
        assert len(read_cell(line)[key]) == entries
    else:
        with pytest.raises(Defect, match=f"{key} has {entries} entr.*, but samples_s has {rounds}"):
            read_cell(line)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_times_or_has_none(status: str) -> None:
    timed, bare = line_of(status=status), line_of(status=status, samples_s=[], process=[], round=[], canary_s=[])
    good, bad = (timed, bare) if status == "ok" else (bare, timed)
    assert read_cell(good)["status"] == status
    with pytest.raises(Defect, match=f"status is {status}, but samples_s has"):
        read_cell(bad)


@pytest.mark.parametrize(("error_ratio", "good"), [(None, True), (0, True), (1.0, True), (1.0001, False)])
def test_a_valid_result_is_within_its_bound(error_ratio: float | None, good: bool) -> None:
    line = line_of(error_ratio=error_ratio)
    if good:
        read_cell(line)
    else:
        with pytest.raises(Defect, match=r"error_ratio is 1\.0001: above 1 is wrong"):
            read_cell(line)


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ({"backend": "a", "problem": "n1c8h4w4-o8", "threads": 1}, "a n1c8h4w4-o8, 1 thread"),
        ({"backend": "a", "problem": "n1c8h4w4-o8", "threads": 2}, "a n1c8h4w4-o8, 2 threads"),
        ({"backend": "a", "problem": "x", "threads": 0}, "a"),
        ({"threads": 2}, "2 threads"),
        ({"backend": "a\nb"}, ""),
        ({}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_a_line_is_named_by_as_much_as_can_be_read(line: Any, key: str) -> None:
    assert key_of(line) == key


# --- keys of run.json ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(MUST_SAY.keys() & SETTINGS.keys()))
def test_no_value_that_a_key_of_the_run_cannot_have_is_read(key: str) -> None:
    for value in MUST_SAY[key]:
        content = json.loads(written(clean_settings() | {key: value})) if not isinstance(value, Raw) else None
        if content is None or content[key] is None:
            continue
        with pytest.raises(Defect) as caught:
            object_of(SETTINGS)(content)
        assert str(caught.value).startswith(key), value


def test_a_run_that_says_nothing_of_itself_has_the_absent_values() -> None:
    read = object_of(SETTINGS)({})
    assert (read["machine"], read["finished_at"], read["started_at"]) == (None, None, "")
    assert [read[key] for key in ("environment", "canary", "ran", "ceilings")] == [{}, {}, {}, ()]
    assert read.keys() == SETTINGS.keys()


def test_facts_of_the_environment_are_kept_and_its_warnings_are_sentences() -> None:
    said = {"processor": "a\0b", "load": [0.5], "warnings": ["warm\n"], "packages": {"numpy": "2.0"}}
    assert object_of(SETTINGS)({"environment": said})["environment"] == {
        "processor": r"a\x00b",
        "load": [0.5],
        "warnings": ["warm"],
        "packages": {"numpy": "2.0"},
    }


@pytest.mark.parametrize(
    ("values", "read"),
    [
        ({}, {"wall_s": None, "steal_s": None}),
        ({"wall_s": 1.5, "steal_s": 0}, {"wall_s": 1.5, "steal_s": 0.0}),
        ({"wall_s": 0}, None),
        ({"steal_s": -1}, None),
    ],
)
def test_a_pass_says_how_long_it_took_and_what_was_stolen(values: Any, read: Any) -> None:
    if read is None:
        with pytest.raises(Defect):
            object_of(PASS)(values)
    else:
        assert object_of(PASS)(values) == read
