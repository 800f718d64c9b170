"""What an unfinished run has on disk: every contest that was whole, none that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pointwise_bench.suites.harness.design.rounds import Share
from pointwise_bench.suites.harness.record.checkpoint import Checkpoint
from pointwise_bench.suites.harness.record.pass_samples import PassSamples

HEAT, OTHER = ("n1c8h4w4-o8", 1), ("n1c8h4w4-o8", 2)


def leg(backend: str, process: int = 0, **changed: Any) -> PassSamples:
    fixed: dict[str, Any] = {"share": Share(2, 10, 40), "samples_s": [1e-6, 2e-6], "canary_s": [5e-4, 6e-4]}
    return PassSamples(backend, process, "2026-01-02T03:04:05.000+00:00", **fixed | changed)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "legs.jsonl"


def test_legs_come_back_as_they_were_by_backend_and_pass(path: Path) -> None:
    journal = Checkpoint(path)
    first = [leg("a", error_ratio=0.25, page_faults=3), leg("b", device_samples_s=[1.0, 2.0], peak_rss_bytes=7)]
    journal.append(HEAT, 0, first)
    journal.append(HEAT, 2, [leg("a", 2), leg("c", 1, share=None, samples_s=[], canary_s=[])])
    expected = {
        "a": {0: first[0], 2: leg("a", 2)},
        "b": {0: first[1]},
        "c": {2: leg("c", 1, share=None, samples_s=[], canary_s=[])},
    }
    assert journal.legs(HEAT) == expected
    assert Checkpoint(path).legs(HEAT) == expected


def test_problems_and_thread_budgets_are_kept_apart(path: Path) -> None:
    journal = Checkpoint(path)
    journal.append(HEAT, 0, [leg("a")])
    journal.append(OTHER, 1, [leg("b")])
    for each in (journal, Checkpoint(path)):
        assert (each.passes(HEAT), each.passes(OTHER), each.passes(("n9c8h4w4-o8", 1))) == ({0}, {1}, set())
        assert each.legs(OTHER).keys() == {"b"}
        assert each.legs(("n9c8h4w4-o8", 1)) == {}
        assert len(each) == 2


def test_asking_for_what_is_not_there_leaves_no_trace(path: Path) -> None:
    journal = Checkpoint(path)
    journal.passes(HEAT)
    journal.legs(HEAT)
    assert len(journal) == 0
    assert not path.exists()


def test_a_pass_in_which_nobody_came_through_is_a_pass_that_is_done(path: Path) -> None:
    Checkpoint(path).append(HEAT, 0, [])
    assert Checkpoint(path).passes(HEAT) == {0}


@pytest.mark.parametrize("kept", [0, 1, 20, -2, -1])
def test_a_torn_contest_never_was(path: Path, kept: int) -> None:
    """Not for one of its backends either: nobody is resumed without the rivals of the same rounds."""
    journal = Checkpoint(path)
    journal.append(HEAT, 0, [leg("a"), leg("b")])
    whole = path.read_bytes()
    journal.append(HEAT, 1, [leg("a", 1), leg("b", 1)])
    line = path.read_bytes()[len(whole) :]
    path.write_bytes(whole + line[:kept])
    resumed = Checkpoint(path)
    assert resumed.passes(HEAT) == {0}
    assert resumed.legs(HEAT) == {"a": {0: leg("a")}, "b": {0: leg("b")}}
    resumed.append(HEAT, 1, [leg("a", 3), leg("b", 3)])
    assert Checkpoint(path).legs(HEAT)["b"] == {0: leg("b"), 1: leg("b", 3)}


def test_a_line_of_something_else_is_no_contest(path: Path) -> None:
    path.write_text('{"backend": "a", "problem": "n1c8h4w4-o8", "threads": 1, "status": "ok"}\n')
    assert len(Checkpoint(path)) == 0


def test_starts_are_numbered_on_after_the_highest_on_disk(path: Path) -> None:
    """A resumed run's workers are new processes: with numbers of old ones they would count as the same start."""
    journal = Checkpoint(path)
    assert journal.starts == 0
    journal.append(HEAT, 0, [leg("a", 0), leg("b", 4)])
    journal.append(HEAT, 1, [])
    journal.append(OTHER, 0, [leg("a", 2)])
    assert journal.starts == Checkpoint(path).starts == 5


def test_once_closed_nothing_is_left(path: Path) -> None:
    journal = Checkpoint(path)
    journal.append(HEAT, 0, [leg("a")])
    journal.close()
    journal.close()
    assert not path.exists()
