"""What an unfinished run has on disk: every trial that was whole, none that was not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.checkpoint import Checkpoint
from pointwise_bench.suites.harness.record.pass_samples import PassSamples

KEY, OTHER = ("n1c8h4w4-o8", 1), ("n1c8h4w4-o8", 2)


def part(backend: str, process: int = 0, **changed: Any) -> PassSamples:
    fixed: dict[str, Any] = {"share": Share(2, 10, 40), "samples_s": [1e-6, 2e-6], "canary_s": [5e-4, 6e-4]}
    return PassSamples(backend, process, "2026-01-02T03:04:05.000+00:00", **fixed | changed)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.jsonl"


def test_parts_come_back_as_they_were_by_backend_and_pass(path: Path) -> None:
    checkpoint = Checkpoint(path)
    first = [part("a", error_ratio=0.25, page_faults=3), part("b", device_samples_s=[1.0, 2.0], peak_rss_bytes=7)]
    checkpoint.append(KEY, 0, first)
    checkpoint.append(KEY, 2, [part("a", 2), part("c", 1, share=None, samples_s=[], canary_s=[])])
    expected = {
        "a": {0: first[0], 2: part("a", 2)},
        "b": {0: first[1]},
        "c": {2: part("c", 1, share=None, samples_s=[], canary_s=[])},
    }
    assert checkpoint.parts(KEY) == expected
    assert Checkpoint(path).parts(KEY) == expected


def test_problems_and_thread_budgets_are_kept_apart(path: Path) -> None:
    checkpoint = Checkpoint(path)
    checkpoint.append(KEY, 0, [part("a")])
    checkpoint.append(OTHER, 1, [part("b")])
    for each in (checkpoint, Checkpoint(path)):
        assert (each.passes(KEY), each.passes(OTHER), each.passes(("n9c8h4w4-o8", 1))) == ({0}, {1}, set())
        assert each.parts(OTHER).keys() == {"b"}
        assert each.parts(("n9c8h4w4-o8", 1)) == {}
        assert len(each) == 2


def test_asking_for_what_is_not_there_leaves_no_trace(path: Path) -> None:
    checkpoint = Checkpoint(path)
    checkpoint.passes(KEY)
    checkpoint.parts(KEY)
    assert len(checkpoint) == 0
    assert not path.exists()


def test_a_pass_in_which_nobody_came_through_is_a_pass_that_is_done(path: Path) -> None:
    Checkpoint(path).append(KEY, 0, [])
    assert Checkpoint(path).passes(KEY) == {0}


@pytest.mark.parametrize("kept", [0, 1, 20, -2, -1])
def test_a_torn_contest_never_was(path: Path, kept: int) -> None:
    """Not for one of its backends either: no backend is resumed without the others of the same rounds."""
    checkpoint = Checkpoint(path)
    checkpoint.append(KEY, 0, [part("a"), part("b")])
    whole = path.read_bytes()
    checkpoint.append(KEY, 1, [part("a", 1), part("b", 1)])
    line = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + line[:kept])
    resumed = Checkpoint(path)
    assert resumed.passes(KEY) == {0}
    assert resumed.parts(KEY) == {"a": {0: part("a")}, "b": {0: part("b")}}
    resumed.append(KEY, 1, [part("a", 3), part("b", 3)])
    assert Checkpoint(path).parts(KEY)["b"] == {0: part("b"), 1: part("b", 3)}


def test_a_line_of_something_else_is_no_contest(path: Path) -> None:
    path.write_text('{"backend": "a", "problem": "n1c8h4w4-o8", "threads": 1, "status": "ok"}\n')
    assert len(Checkpoint(path)) == 0


def test_starts_are_numbered_on_after_the_highest_on_disk(path: Path) -> None:
    """A resumed run's workers are new processes: with numbers of old ones they would count as the same start."""
    checkpoint = Checkpoint(path)
    assert checkpoint.starts == 0
    checkpoint.append(KEY, 0, [part("a", 0), part("b", 4)])
    checkpoint.append(KEY, 1, [])
    checkpoint.append(OTHER, 0, [part("a", 2)])
    assert checkpoint.starts == Checkpoint(path).starts == 5


def test_once_closed_nothing_is_left(path: Path) -> None:
    checkpoint = Checkpoint(path)
    checkpoint.append(KEY, 0, [part("a")])
    checkpoint.close()
    checkpoint.close()
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "fault"),
    [({}, "pass is missing"), ({"pass": "x"}, "pass cannot be read")],
)
def test_a_foreign_key_that_is_called_as_a_field_does_not_stand_for_the_pass(
    path: Path, change: dict[str, Any], fault: str
) -> None:
    """It had passed, and ended the resumed run."""
    Checkpoint(path).append(KEY, 0, [part("a")])
    line = json.loads(path.read_text())
    del line["pass"]
    path.write_text(json.dumps(line | change | {"number": 0}) + "\n")
    damage = Checkpoint(path).damage
    assert damage is not None
    assert damage.fault == f"{KEY[0]} (1 thread): {fault}"


def test_a_foreign_key_beside_the_pass_is_none_of_its_business(path: Path) -> None:
    Checkpoint(path).append(KEY, 0, [part("a")])
    path.write_text(json.dumps(json.loads(path.read_text()) | {"number": "x"}) + "\n")
    assert Checkpoint(path).damage is None
    assert Checkpoint(path).passes(KEY) == {0}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"pass": "x"}, "pass cannot be read"),
        ({"threads": "x"}, "threads cannot be read"),
        ({"parts": 5}, "parts cannot be read"),
        ({"parts": [{"process": 0}]}, "parts[0].backend is missing"),
        ({"canary_s": [1e-4]}, "parts[1].canary_s has 1 entries, but samples_s has 2"),
        ({"device_samples_s": [1e-4]}, "parts[1].device_samples_s has 1 entries, but samples_s has 2"),
        ({"samples_s": [1e-4, None]}, "parts[1].samples_s[1] cannot be read"),
    ],
    ids=str,
)
def test_the_key_of_a_line_that_is_no_contest_is_told(path: Path, change: dict[str, Any], fault: str) -> None:
    Checkpoint(path).append(KEY, 0, [part("a"), part("b")])
    assert Checkpoint(path).damage is None
    line = json.loads(path.read_text())
    owner = line if change.keys() <= line.keys() else line["parts"][1]
    owner |= change
    path.write_text(json.dumps(line) + "\n")
    damage = Checkpoint(path).damage
    whose = KEY[0] if "threads" in change else f"{KEY[0]} (1 thread)"
    assert damage is not None
    assert damage.fault == f"{whose}: {fault}"
