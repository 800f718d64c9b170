"""The page of whole models on all machines of a report, which the site of all runs leads to."""

from __future__ import annotations

from pathlib import Path

from make_run import cell, write_run
from make_timed_model import timed_model, write_models
from report_folder import drawing, rows_of

from pointwise_bench.report.pages.across.whole_models import COLUMNS
from pointwise_bench.report.pages.run_analysis import analyse
from pointwise_bench.report.pages.site import write_site
from pointwise_bench.report.publishing.publication import publish
from pointwise_bench.report.reading.run import load_run

CELLS = [cell(who, "n1c8h4w4-o8", [time] * 9) for who, time in (("a", 3e-4), ("b", 1e-4))]


def test_every_model_has_its_lines_and_its_verdict(tmp_path: Path) -> None:
    folder = write_run(tmp_path, CELLS)
    write_models(folder.parent, [timed_model(), timed_model(1.0, model="other", threads=2)])
    with drawing(plots=False):
        page = write_site([analyse(load_run(folder))], tmp_path / "out")
    assert 'href="whole_models.html"' in page.read_text(encoding="utf-8")
    text = page.with_name("whole_models.html").read_text(encoding="utf-8")
    assert "<h3>torchvision:&lt;net&gt;, 1 thread</h3>" in text
    assert "<p>Optimised it is 2.00× [2.00, 2.00] as fast as it was" in text  # noqa: RUF001
    assert "<p>Leave it as it is: " in text
    assert "not here: planted &lt;reason&gt;" in text
    assert "2 layers: 1 by oneDNN, 1 by modules or oneDNN" in text
    numbers = rows_of(page.with_name("whole-models.csv"))
    assert list(numbers[0]) == list(COLUMNS)
    told = [(row["model"], row["way"], row["gain"][:4], row["status"]) for row in numbers]
    assert told[:2] == [("other", "eager", "1", "ok"), ("other", "optimised", "", "ok")]
    assert ("torchvision:<net>", "eager", "2", "ok") in told
    assert ("torchvision:<net>", "onnxruntime", "", "unavailable") in told


def test_the_site_of_all_runs_leads_to_it(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, CELLS, f"2026-01-0{day}T03-04-05Z") for day in (1, 2)]
    write_models(folders[0].parent, [timed_model()])
    with drawing(plots=False):
        index, _ = publish(folders, tmp_path / "out", lambda policy: None, print)
    assert 'href="whole_models.html"' in index.read_text(encoding="utf-8")
    assert index.with_name("whole_models.html").read_text(encoding="utf-8").count("<h3>") == 1  # once for both runs


def test_without_a_whole_model_there_is_no_page(tmp_path: Path) -> None:
    with drawing(plots=False):
        page = write_site([analyse(load_run(write_run(tmp_path, CELLS)))], tmp_path / "out")
    assert not page.with_name("whole_models.html").exists()
