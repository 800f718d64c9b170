"""The model that layers were taken from: their share of it, and what was left out, as the report says it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from make_run import cell, run_of

from pointwise_bench.report.analysis.collections.models import models_of, share_of_model

ONE, OTHER = "n1c8h4w4-o8", "n1c8h8w8-o8"
LEFT: list[dict[str, Any]] = [
    {"what": "3x3 convolution", "count": 5, "multiply_adds": 200_000, "names": ["stem", "a"]},
    {"what": "einsum", "count": 1, "multiply_adds": 0, "unknown": 1, "names": ["scores"]},
    {"what": "linear layer", "count": 2, "multiply_adds": 300_000, "unknown": 1, "names": ["head", "b"]},
    {"what": "5x5 convolution", "count": 1, "multiply_adds": 100_000, "names": ["c"]},
]
SELECTION = [
    {"group": "layers-of-net", "name": name, "count": count, "problem": problem, "threads": threads}
    for threads in (1, 2)
    for name, problem, count in (("a", ONE, 1), ("b", OTHER, 3))
]


def run(folder: Path, left_out: list[dict[str, Any]]) -> Any:
    model = {"title": "net.onnx", "multiply_adds": 4_000_000, "left_out": left_out}
    cells = [cell("a", ONE, [1e-3] * 9, group="layers-of-net")]
    return run_of(folder, cells, models={"layers-of-net": model}, selection=SELECTION)


def test_the_share_and_the_heaviest_of_what_was_left_out_are_said(tmp_path: Path) -> None:
    said = share_of_model(run(tmp_path, LEFT), "layers-of-net")
    assert said.startswith("2 distinct layers, 4 by occurrence, of net.onnx: 85.00 % of its 4.00 M multiply-adds.")
    assert "Left out: linear layer (7.50 %, without 1 of unknown size), 3x3 convolution (5.00 %)" in said
    assert said.endswith("5x5 convolution (2.50 %) and einsum (not known).")
    longer = share_of_model(run(tmp_path / "longer", [*LEFT, LEFT[1]]), "layers-of-net")
    assert longer.endswith("5x5 convolution (2.50 %) and 2 more kinds.")


def test_every_part_has_a_row(tmp_path: Path) -> None:
    (model,) = models_of(run(tmp_path, LEFT))
    assert [(part.what, part.count, part.share, part.names) for part in model.left_out[:2]] == [
        ("3x3 convolution", 5, "5.00 %", "stem, a, ..."),
        ("einsum", 1, "not known", "scores"),
    ]


def test_of_a_model_of_which_nothing_was_left_out_that_is_said(tmp_path: Path) -> None:
    assert share_of_model(run(tmp_path, []), "layers-of-net").endswith(
        "100.00 % of its 4.00 M multiply-adds; nothing was left out."
    )


def test_other_groups_have_no_model(tmp_path: Path) -> None:
    assert share_of_model(run(tmp_path, LEFT), "resnet50") == ""
    assert models_of(run_of(tmp_path / "plain", [cell("a", ONE, [1e-3] * 9)])) == []
