"""Entries of runs with known times: who is named, by what evidence, and which runs make no file together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, noisy, run_of

from pointwise_bench.report.reading.run import Run
from pointwise_bench.wisdom.entries import WisdomEntry
from pointwise_bench.wisdom.from_runs import entries_of, wisdom_of
from pointwise_bench.wisdom.refusal import WisdomRefused
from pointwise_bench.wisdom.wisdom_file import read_wisdom, write_wisdom

P = "n1c8h4w4-o8"


def timed(backend: str, seconds: float, seed: int = 0, problem: str = P, **changed: Any) -> dict[str, Any]:
    return cell(backend, problem, noisy(seconds, seed, noise=0.002), **changed)


def only(run: Run) -> WisdomEntry:
    (entry,) = entries_of(run)
    return entry


def test_the_fastest_is_named_with_its_ratio_over_the_next(tmp_path: Path) -> None:
    cells = [timed("zlow", 3e-3), timed("afast", 1e-3, 1), timed("next-one", 1.5e-3, 2)]
    entry = only(run_of(tmp_path, cells))
    assert (entry.backend, entry.why, entry.threads, entry.problem.id) == ("afast", "faster", 1, P)
    assert entry.next is not None
    assert (entry.next.backend, entry.next.verdict, entry.next.rounds, entry.next.starts) == (
        "next-one",
        "faster",
        31,
        3,
    )
    assert entry.next.low < 1.5 < entry.next.high
    assert [rival.backend for rival in entry.rivals] == ["next-one", "zlow"]
    assert entry.seconds == pytest.approx(1e-3, rel=0.01)


def test_a_ratio_is_of_the_others_time_whatever_the_order_of_names(tmp_path: Path) -> None:
    entry = only(run_of(tmp_path, [timed("a", 2e-3), timed("z", 1e-3, 1)]))
    assert entry.backend == "z"
    (other,) = entry.rivals
    assert (other.backend, other.verdict) == ("a", "faster")
    assert other.low <= other.ratio <= other.high
    assert other.ratio == pytest.approx(2, rel=0.01)


def test_of_those_that_are_the_same_the_simplest_is_named(tmp_path: Path) -> None:
    cells = [timed("torch-conv2d", 1e-3), timed("numpy-matmul", 1.002e-3, 1), timed("openvino", 2e-3, 2)]
    entry = only(run_of(tmp_path, cells))
    assert (entry.backend, entry.why) == ("numpy-matmul", "simplest")


def test_who_leads_for_want_of_evidence_is_said_to(tmp_path: Path) -> None:
    cells = [cell("a", P, noisy(1e-3, 0, 0.4, 5)), cell("b", P, noisy(1.1e-3, 1, 0.4, 5))]
    assert only(run_of(tmp_path, cells)).why == "undecided"


def test_what_no_plan_could_use_is_left_out(tmp_path: Path) -> None:
    cells = [
        timed("numpy-matmul", 1e-3),
        timed("gpu", 1e-5, device="cuda"),
        timed("quick-and-dirty", 1e-5, arithmetic="tf32"),
        timed("at-home", 1e-5, isolation="in-process"),
        timed("streamed", 1e-5, cache="cold"),
        cell("wrong-one", P, status="wrong"),
        timed("numpy-matmul", 1e-5, problem=f"{P}-backward-input"),
    ]
    entry = only(run_of(tmp_path, cells))
    assert (entry.backend, entry.why, entry.rivals) == ("numpy-matmul", "alone", ())


def test_an_interval_of_any_width_makes_a_file_that_is_read_again(tmp_path: Path) -> None:
    """Two rounds that differ a million times, as on a machine where others take the processor for seconds."""
    run = run_of(tmp_path, [cell("a", P, [1e-6, 1e-6]), cell("b", P, [1e-5, 1e1]), timed("c", 1e-3, 1)])
    (rival, *_) = [each for each in only(run).rivals if each.backend == "b"]
    assert rival.high == 1e6  # what was found is far beyond
    write_wisdom(wisdom_of([run]), tmp_path / "wisdom.json")
    assert read_wisdom(tmp_path / "wisdom.json").entries == wisdom_of([run]).entries


def test_of_two_runs_the_later_speaks_where_both_do_and_the_file_says_what_was_meant(tmp_path: Path) -> None:
    old = run_of(tmp_path, [timed("a", 1e-3), timed("b", 2e-3, 1), timed("a", 1e-3, problem="n2c8h4w4-o8")])
    new = run_of(tmp_path, [timed("a", 2e-3), timed("b", 1e-3, 1)], name="2026-02-02T03-04-05Z")
    for order in ([old, new], [new, old]):
        wisdom = wisdom_of(order)
        assert {entry.problem.id: entry.backend for entry in wisdom.entries} == {P: "b", "n2c8h4w4-o8": "a"}
        assert wisdom.packages == {"numpy": "2.0"}
    write_wisdom(wisdom, tmp_path / "w.json", regret="none")
    read = read_wisdom(tmp_path / "w.json")
    assert [entry.rivals for entry in read.entries] == [entry.rivals for entry in wisdom.entries]
    assert (read.machine, read.packages) == (wisdom.machine, wisdom.packages)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"machine": "another"}, "wisdom is of one machine"),
        ({"environment": {"packages": {"numpy": "3.0"}}}, "another numpy"),
        ({"environment": {}}, "does not say which packages"),
    ],
)
def test_runs_that_are_not_alike_make_no_wisdom(tmp_path: Path, changed: dict[str, Any], says: str) -> None:
    cells = [timed("a", 1e-3)]
    first = run_of(tmp_path, cells)
    other = run_of(tmp_path, cells, **{"name": "2026-02-02T03-04-05Z"} | changed)
    with pytest.raises(WisdomRefused, match=says):
        wisdom_of([first, other])


def test_another_version_of_what_computes_nothing_does_not_matter(tmp_path: Path) -> None:
    cells = [timed("a", 1e-3)]
    runs = [
        run_of(tmp_path, cells, name=f"2026-0{month}-02T03-04-05Z", environment={"packages": packages})
        for month, packages in enumerate([{"numpy": "2.0", "pytest": "8"}, {"numpy": "2.0", "pytest": "9"}], 1)
    ]
    assert wisdom_of(runs).packages == {"numpy": "2.0"}


def test_a_run_without_a_time_that_counts_makes_none(tmp_path: Path) -> None:
    with pytest.raises(WisdomRefused, match="has no time"):
        wisdom_of([run_of(tmp_path, [timed("gpu", 1e-5, device="cuda")])])
