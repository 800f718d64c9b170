"""The runs in ``results/``: what they were asked for is in them, and what they did not reach is said."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from places import ROOT
from report_folder import report

from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import readme_text
from pointwise_bench.report.reading.run import load_run
from pointwise_bench.suites.catalogue import select

TRACKED = subprocess.run(
    ["git", "ls-files", "results/*/*/run.json"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.split()
RUNS = [ROOT / Path(name).parent for name in TRACKED] or [path.parent for path in ROOT.glob("results/*/*/run.json")]
ON_CUDA = "intel-xeon-processor-16-cores-1dfe885e"


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.parent.name)
def test_its_selection_is_what_its_options_name(folder: Path) -> None:
    """It was added to these runs, which are older than the key, from the catalogue: it must not have changed."""
    settings = load_run(folder).settings
    selected = {(each["group"], each["name"], each["count"], each["problem"]) for each in settings["selection"]}
    asked = {
        (group.name, layer.name, layer.count, layer.problem)
        for group in select(settings["options"]["shapes"])
        for layer in group.layers
    }
    assert selected == asked
    assert {each["threads"] for each in settings["selection"]} == set(settings["options"]["threads"])


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.parent.name)
def test_it_measured_nothing_else(folder: Path) -> None:
    run = load_run(folder)
    measured = {
        (place.group, place.name, place.count, cell.problem, cell.threads)
        for cell in run.cells
        for place in cell.places
    }
    assert measured
    assert measured <= {
        (each["group"], each["name"], each["count"], each["problem"], each["threads"])
        for each in run.settings["selection"]
    }


def test_the_network_that_the_run_on_cuda_did_not_finish_has_no_winner(tmp_path: Path) -> None:
    """On the page, in the summary and in what would stand in a README."""
    (folder,) = (folder for folder in RUNS if folder.parent.name == ON_CUDA)
    assert report(folder, tmp_path)[0] == 0
    named = "layer3.0.conv1, layer3.0.conv3, layer3.0.downsample.0 and 5 more"
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert f"no total and no winner</strong>; 7 of 15 layers have a time; missing: {named}." in page
    assert "pointwise-bench run --shapes resnet50_v1.5 --threads 16</code>" in page
    for text in ((tmp_path / "summary.md").read_text(encoding="utf-8"), readme_text(analyse(load_run(folder)))):
        assert "Incomplete, and so without a winner: resnet50_v1.5 (7 of 15 layers)" in text
        assert "incomplete: 7 of 15" in text
        assert f"without a time: {named}" in text
