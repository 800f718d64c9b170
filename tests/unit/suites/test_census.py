"""The census: how layers of models are added up, how two hundred are chosen, and what is kept of it."""

from __future__ import annotations

import csv
import re
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from places import ROOT

from pointwise_bench.backends.problem import Problem
from pointwise_bench.common.shape_groups import CENSUS
from pointwise_bench.harvest.operations import Convolution
from pointwise_bench.suites.catalogue import SHAPES, CatalogueEntry, load, read


@pytest.fixture
def census(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "docs/experiments"))
    import census

    return census


@pytest.fixture
def selection(census: ModuleType) -> ModuleType:
    found: ModuleType = census.census_selection
    return found


def convolution(activation: str = "none", size: int = 7, kernel: int = 1, count: int = 1) -> dict[str, Any]:
    square = (size, size)
    sides: dict[str, Any] = {"image": square, "out_image": square, "kernel": (kernel, kernel), "stride": (1, 1)}
    sizes: dict[str, Any] = {"name": "conv", "batch": 1, "in_channels": 8, "out_channels": 4, "padding": (0,)}
    return asdict(Convolution(**sizes, **sides, activation=activation, count=count))


def line(model: str, *convolutions: dict[str, Any]) -> dict[str, Any]:
    return {"model": model, "macs": 10_000, "convs": list(convolutions)}


def entry(channels: int, count: int, works: float = 1.0, size: int = 7) -> CatalogueEntry:
    problem = Problem(batch=1, in_channels=channels, out_channels=channels, height=size, width=size)
    return CatalogueEntry(f"{channels}@{size}", count, problem, f"2 models, the work of {works}")


def test_layers_are_counted_over_all_models_and_models_once_each(census: ModuleType, tmp_path: Path) -> None:
    lines = [
        line("timm:b", convolution("elu", count=2), convolution(count=3), convolution(size=5)),
        line("timm:a", convolution("relu"), convolution()),
        {"model": "timm:c", "error": "ValueError: it cannot be built"},
    ]
    found = census.tally(lines)
    assert (found.read, found.failed) == (2, 1)
    assert found.share == pytest.approx((7 * 49 + 25) * 32 / 20_000)
    (tmp_path / "layers.csv").write_text(census.table(found))
    layers = {layer.problem.id: layer for layer in read(tmp_path / "layers.csv").layers}
    assert {name: (layer.count, layer.source) for name, layer in layers.items()} == {
        "n1c8h5w5-o4": (1, f"1 model, the work of {25 / 270:.4f}"),
        "n1c8h7w7-o4": (6, f"2 models, the work of {245 / 270 + 0.5:.4f}"),
        "n1c8h7w7-o4-relu": (1, "1 model, the work of 0.5000"),
    }
    assert layers["n1c8h7w7-o4"].network_activation == "elu or none"
    assert layers["n1c8h7w7-o4"].name == "timm:a/2"


def test_chosen_layers_stand_for_those_near_them(selection: ModuleType) -> None:
    layers = [entry(64, 50), entry(65, 30), entry(1024, 10), entry(1000, 12), entry(8, 1)]
    found = selection.select(layers, most=3)
    assert {each.layer.name: (each.count, each.layers) for each in found.chosen} == {
        "64@7": (80, 2),
        "1000@7": (22, 2),
        "8@7": (1, 1),
    }
    assert found.octaves < 0.1


def test_use_and_work_weigh_alike(selection: ModuleType) -> None:
    """Many layers without work, and one that does all of it, are both there before a rare and small one."""
    layers = [entry(8, 1000, works=0.01), entry(2048, 1, works=50.0, size=3), entry(64, 1, works=0.01)]
    assert {each.layer.name for each in selection.select(layers, most=2).chosen} == {"8@7", "2048@3"}


def test_what_no_budget_affords_is_stood_for_by_something_smaller(selection: ModuleType) -> None:
    huge = entry(2048, 5, size=100)
    assert huge.problem.macs > selection.LARGEST
    (one,) = selection.select([huge, entry(2048, 1)], most=5).chosen
    assert (one.layer.name, one.count) == ("2048@7", 6)


def test_the_group_was_made_of_the_layers_that_are_kept(selection: ModuleType) -> None:
    """By the digest: choosing again takes longer than all other tests of the catalogue."""
    (group,) = load({CENSUS})
    file = SHAPES / "census-layers.csv"
    assert selection.digest_of(file) in (SHAPES / "census.toml").read_text(encoding="utf-8")
    with file.open(encoding="utf-8", newline="") as text:
        rows = {row["name"]: row for row in csv.DictReader(text)}
    assert len(group.layers) == selection.SELECTED
    assert group.occurrences == sum(int(row["count"]) for row in rows.values())
    for layer in group.layers:
        row = rows[layer.name]
        sizes = (layer.problem.in_channels, layer.problem.out_channels, layer.problem.height, layer.problem.width)
        assert tuple(int(row[key]) for key in ("in_channels", "out_channels", "height", "width")) == sizes
        assert layer.problem.macs <= selection.LARGEST
    assert file.stat().st_size < 700 * 1024


def test_the_document_says_which_share_of_models_is_in_it() -> None:
    head = " ".join((SHAPES / "census.toml").read_text().split("source =")[0].replace("#", "").split())
    document = " ".join((ROOT / "docs/METHODOLOGY.md").read_text().split())
    found = re.search(
        r"(\d+) models of torchvision and timm \((\d+) more could not be read; "
        r"not reached: (\d+) of the ([\d,]+), .*?\): "
        r"(\d+) distinct layers, (\d+) by occurrence.* a layer is ([\d.]+) octaves .*: ([\d.]+)% of the work",
        head,
    )
    assert found is not None, head
    held, unread, missed, all_of_them, distinct, occurrences, octaves, work = found.groups()
    total = int(all_of_them.replace(",", ""))
    assert int(held) + int(unread) + int(missed) == total
    for sentence in (
        f"{held} of {all_of_them} ({100 * int(held) / total:.0f} %) were read",
        f"{unread} could not be, and {missed} were not reached",
        f"{int(distinct):,} distinct layers, {int(occurrences):,} by occurrence",
        f"{octaves} octaves from who stands for it",
        f"{work} % of the work is left",
    ):
        assert sentence in document, sentence
