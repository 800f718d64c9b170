"""Reports of other projects: what a run must hold for one to be shown, and what is left open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from make_run import cell, run_of

from pointwise_bench.common.shape_groups import MUSEUM
from pointwise_bench.report.analysis.collections.reports import REPORTS, Exhibit, exhibits
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.suites.catalogue import load

LAYERS = {layer.name: layer for group in load({MUSEUM}) for layer in group.layers}


def seen(folder: Path, name: str, cells: list[dict[str, Any]]) -> list[Exhibit]:
    placed = [one | {"group": MUSEUM, "name": name, "problem": LAYERS[name].problem.id} for one in cells]
    found = analyse(run_of(folder, placed))
    return exhibits(found.run, found.timings, found.comparisons, MUSEUM)


def timed(backend: str, seconds: float) -> dict[str, Any]:
    return cell(backend, "n1c1h1w1-o1", [seconds] * 12)


def test_every_layer_of_the_museum_has_its_report_and_says_where_it_is_from() -> None:
    assert set(LAYERS) == set(REPORTS)
    for name, layer in LAYERS.items():
        assert layer.source.startswith(f"{REPORTS[name].link} ")
        assert "benchdnn: " in layer.source
        assert REPORTS[name].link.rpartition("/")[2] == name.partition("#")[2].partition("-")[0]


@pytest.mark.parametrize(("slower", "state"), [(1.3, "not shown"), (1.5, "shown"), (0.5, "not shown")])
def test_a_slow_layer_is_shown_from_the_root_of_the_factor_on(tmp_path: Path, slower: float, state: str) -> None:
    """Of a factor of two."""
    cells = [timed("torch-conv2d", slower * 1e-3), timed("torch-matmul", 1e-3), timed("numba-microkernel", 1e-5)]
    (one,) = seen(tmp_path, "oneDNN#437", cells)
    assert (one.state, one.threads) == (state, 1)
    assert "torch-conv2d takes" in one.seen
    assert "torch-matmul" in one.seen, "held against whom nobody held it"


def test_of_several_accused_the_one_that_does_best_speaks_and_the_furthest_rival_counts(tmp_path: Path) -> None:
    cells = [timed("torch-conv2d", 9e-3), timed("torch-conv2d-channels-last", 2e-3)]
    (one,) = seen(tmp_path, "pytorch#9671", [*cells, timed("onnxruntime", 1e-3), timed("scipy-gemm", 2e-4)])
    assert one.state == "shown"
    assert one.seen.startswith("torch-conv2d-channels-last takes 10.0")
    assert one.seen.endswith("as scipy-gemm")


def test_without_a_verdict_or_a_rival_it_is_open(tmp_path: Path) -> None:
    few = [cell(name, "", [time] * 2) for name, time in (("torch-conv2d", 3e-3), ("torch-matmul", 1e-3))]
    assert [one.state for one in seen(tmp_path / "few", "oneDNN#437", few)] == ["open"]
    (alone,) = seen(tmp_path / "alone", "oneDNN#437", [timed("torch-conv2d", 1e-3)])
    assert (alone.state, alone.seen) == ("open", "nobody to compare with")
    (failed,) = seen(tmp_path / "failed", "oneDNN#437", [cell("torch-conv2d", ""), timed("torch-matmul", 1e-3)])
    assert (failed.state, failed.seen) == ("open", "torch-conv2d is failed")


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [("wrong", "shown", "torch-conv2d is wrong"), ("unavailable", "open", "none of the accused was measured")],
)
def test_a_wrong_layer_is_shown_by_the_gate(tmp_path: Path, status: str, state: str, words: str) -> None:
    cells = [cell("torch-conv2d", "", status=status), cell("jax-conv", "", status="wrong")]
    (one,) = seen(tmp_path, "pytorch#19912", cells)
    assert (one.state, one.seen) == (state, words)


def test_right_answers_are_named(tmp_path: Path) -> None:
    (one,) = seen(tmp_path, "pytorch#19912", [timed("torch-conv2d", 1e-3)])
    assert (one.state, one.seen) == ("not shown", "right: torch-conv2d")
